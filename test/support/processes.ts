/** Looks at the processes and ports of this machine, as an operator would. */
import { execFileSync } from "node:child_process";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export interface ProcessRow {
  pid: number;
  parent: number;
  command: string;
}

/** Every process that is not a zombie. */
export function processes(): ProcessRow[] {
  const text = execFileSync("ps", ["-A", "-ww", "-o", "pid=,ppid=,stat=,args="], {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  return text.split("\n").flatMap((line): ProcessRow[] => {
    const [, pid, parent, state = "", command = ""] =
      /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    if (pid === undefined || state.startsWith("Z")) return [];
    return [{ pid: Number(pid), parent: Number(parent), command }];
  });
}

/** The processes below `pid`, children first. */
export function descendantsOf(pid: number, all = processes()): ProcessRow[] {
  const children = all.filter((row) => row.parent === pid);
  return [...children, ...children.flatMap((child) => descendantsOf(child.pid, all))];
}

/** The Workers runtime below a supervisor. Throws when there is none. */
export function runtimeOf(supervisor: number): ProcessRow {
  const runtime = descendantsOf(supervisor).find(({ command }) => /\/workerd serve /.test(command));
  if (!runtime) throw new Error(`no Workers runtime runs below process ${supervisor}`);
  return runtime;
}

/** Which of the process ids are alive. */
export function stillAlive(pids: readonly number[]): number[] {
  const alive = new Set(processes().map(({ pid }) => pid));
  return pids.filter((pid) => alive.has(pid));
}

/** Which of the ports nobody else can listen on. */
export async function heldPorts(ports: readonly number[]): Promise<number[]> {
  const held = await Promise.all(ports.map(async (port) => ((await isFree(port)) ? [] : [port])));
  return held.flat();
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1" }, () => server.close(() => resolve(true)));
  });
}

/** Waits until `check` holds. Throws with `what` when it does not within `limitMs`. Returns how long it took. */
export async function until(
  what: string,
  limitMs: number,
  check: () => boolean | Promise<boolean>,
): Promise<number> {
  const startedAt = performance.now();
  while (!(await check())) {
    if (performance.now() - startedAt > limitMs)
      throw new Error(`not within ${limitMs} ms: ${what}`);
    await sleep(20);
  }
  return performance.now() - startedAt;
}
