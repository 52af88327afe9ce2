import { execFileSync } from "node:child_process";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");

/** Builds the SDK as it is published, for tests of what imports it by its name. */
export function buildSdk(): void {
  execFileSync(join(ROOT, "node_modules/.bin/tsc"), ["-p", "sdk"], { cwd: ROOT, stdio: "inherit" });
}
