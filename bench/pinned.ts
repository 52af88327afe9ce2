/** Keeps a process to a core, so that what is measured and what measures do not take each other's time. */
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";

const canPin = availableParallelism() > 1 && hasTaskset();

/** The command, held to a core where the system can do that. */
export function onCore(core: number, command: readonly string[]): string[] {
  return canPin ? ["taskset", "--cpu-list", String(core), ...command] : [...command];
}

/** Moves a process that runs, with all its threads and those it will start, to a core; to all of them for null. */
export function moveToCore(pid: number, core: number | null): void {
  if (!canPin) return;
  const cores = core === null ? `0-${availableParallelism() - 1}` : String(core);
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    execFileSync("taskset", ["--cpu-list", "--pid", cores, thread], { stdio: "ignore" });
  }
}

function hasTaskset(): boolean {
  try {
    execFileSync("taskset", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
