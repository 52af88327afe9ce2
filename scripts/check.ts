/** `npm run check`: types, lint and format, generated files. Runs all of them, then fails if one did. */
import { spawnSync } from "node:child_process";

const CHECKS: [name: string, command: string, ...args: string[]][] = [
  ["types of Node code", "tsc", "-p", "tsconfig.node.json"],
  ["types of the ingest Worker", "tsc", "-p", "workers/ingest"],
  ["types of the aggregator Worker", "tsc", "-p", "workers/aggregator"],
  ["types of the pricing Worker", "tsc", "-p", "workers/pricing"],
  ["types of the SDK, and its build", "tsc", "-p", "sdk"],
  ["types of the SDK's examples", "tsc", "-p", "sdk/tsconfig.check.json"],
  ["types of the SDK's example of a Worker", "tsc", "-p", "sdk/examples/worker"],
  ["lint and format", "biome", "check", "--error-on-warnings", "."],
  ["generated files", process.execPath, "scripts/generate.ts", "--check"],
];

const failed = CHECKS.filter(([name, command, ...args]) => {
  const { status } = spawnSync(command, args, { stdio: "inherit" });
  console.log(`${status === 0 ? "ok    " : "FAILED"} ${name}`);
  return status !== 0;
});
process.exitCode = failed.length === 0 ? 0 : 1;
