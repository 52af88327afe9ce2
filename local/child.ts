/** A process of the local stack, in a group of its own, with a log of its own and a channel to its parent. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, renameSync, statSync } from "node:fs";
import { constants, setPriority } from "node:os";

export interface ChildSpec {
  name: string;
  script: string;
  args?: readonly string[];
  env?: Record<string, string>;
  /** Standard output and error are appended here. */
  logFile: string;
  /** True for work that gives way to everything else on the machine. */
  inBackground?: boolean;
}

export interface RunningChild {
  /** Settles when the process has ended: `SIGKILL`, or `exit code 1`. */
  readonly ended: Promise<string>;
  /** Asks the process to end, and makes it after `patienceMs`. */
  stop(patienceMs: number): Promise<void>;
}

/**
 * Starts a process.
 *
 * A group of its own, so that Ctrl-C reaches the supervisor alone, which ends its children in order. The channel closes
 * with the parent, however that ends; the child takes it as its own end.
 */
export function startChild(spec: ChildSpec, onMessage: (message: unknown) => void): RunningChild {
  const log = openLog(spec.logFile);
  const child = spawn(process.execPath, [spec.script, ...(spec.args ?? [])], {
    stdio: ["ignore", log, log, "ipc"],
    detached: true,
    env: { ...process.env, ...spec.env },
  });
  closeSync(log);
  if (spec.inBackground && child.pid !== undefined) {
    // At once: threads that the process makes later inherit it.
    setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
  }
  child.on("message", onMessage);
  const ended = endOf(child);
  return {
    ended,
    async stop(patienceMs) {
      child.kill("SIGTERM");
      const timer = setTimeout(() => killGroup(child), patienceMs);
      await ended;
      clearTimeout(timer);
    },
  };
}

const MAX_LOG_BYTES = 10 * 1024 * 1024;

/** Opens a log for appending. One that has grown large is put aside first, in place of the one before it. */
function openLog(path: string): number {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size > MAX_LOG_BYTES) renameSync(path, `${path}.1`);
  return openSync(path, "a");
}

async function endOf(child: ChildProcess): Promise<string> {
  const [code, signal] = await once(child, "exit");
  // What it started ends with it, and gives its ports back.
  killGroup(child);
  return signal ?? `exit code ${code}`;
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    // Nobody of the group is left.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
