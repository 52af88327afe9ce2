/**
 * `npm run deploy`: migrations, then the Workers in the order in which they name each other.
 *
 * With `--dry-run` every Worker is built and checked and nothing leaves the machine.
 */
import { execFileSync } from "node:child_process";
import { parseArgs } from "node:util";

const { values } = parseArgs({ options: { "dry-run": { type: "boolean", default: false } } });
const dryRun = values["dry-run"];

const CONFIGS = [
  "workers/ingest/wrangler.toml",
  "workers/aggregator/wrangler.toml",
  "wrangler.toml",
];

function wrangler(...args: string[]): void {
  console.log(`wrangler ${args.join(" ")}`);
  execFileSync("wrangler", args, { stdio: "inherit" });
}

if (!dryRun) wrangler("d1", "migrations", "apply", "DB", "--remote", "--config", "wrangler.toml");
for (const config of CONFIGS) {
  wrangler("deploy", "--config", config, ...(dryRun ? ["--dry-run"] : []));
}
