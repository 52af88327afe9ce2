import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startChild } from "./child.ts";
import { outdatedWorkers } from "./stack/worker-build.ts";

const NO_PATIENCE_MS = 0;

/**
 * Builds the Workers whose sources changed. Returns what the build printed when it failed, null when all is well or
 * `signal` ended it.
 */
export async function buildWorkers(
  logFile: string,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<string | null> {
  const outdated = await outdatedWorkers();
  if (outdated.length === 0) return null;
  say(`Building ${outdated.map(({ name }) => name).join(", ")} ...`);
  await writeFile(logFile, "");
  const script = join(import.meta.dirname, "stack/build.ts");
  const child = startChild({ name: "build", script, logFile }, () => undefined);
  const onAbort = () => void child.stop(NO_PATIENCE_MS);
  signal.addEventListener("abort", onAbort, { once: true });
  const reason = await child.ended;
  signal.removeEventListener("abort", onAbort);
  if (reason === "exit code 0" || signal.aborted) return null;
  return readFile(logFile, "utf8");
}
