/** Starts the bare servers, and reads what a server's processes cost. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { V8_FLAGS } from "../local/stack/v8-flags.ts";

export interface BareServers {
  workerdUrl: string;
  honoUrl: string;
  pid: number;
  stop(): Promise<void>;
}

/** Starts the bare Worker on `port` and bare Hono on the next, with the product's V8 flags unless others are given. */
export async function startBareServers(
  port: number,
  v8Flags: readonly string[] = V8_FLAGS,
): Promise<BareServers> {
  const child = fork(join(import.meta.dirname, "bare/serve.ts"), [String(port), ...v8Flags], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  await Promise.race([
    once(child, "message"),
    once(child, "exit").then(([code]) => {
      throw new Error(`the bare servers ended with exit code ${code}`);
    }),
  ]);
  return {
    workerdUrl: `http://127.0.0.1:${port}`,
    honoUrl: `http://127.0.0.1:${port + 1}`,
    pid: child.pid ?? 0,
    async stop() {
      const ended = once(child, "exit");
      child.disconnect();
      await ended;
    },
  };
}

const TICK_MS = 10;

/** CPU time a process and all that descend from it have used, in milliseconds; null where there is no /proc. */
export function cpuMsOf(rootPid: number): number | null {
  const children = new Map<number, number[]>();
  const ticks = new Map<number, number>();
  try {
    for (const name of readdirSync("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      const fields = statFieldsOf(name);
      if (!fields) continue;
      const [, parent = "0"] = fields;
      ticks.set(Number(name), Number(fields[11]) + Number(fields[12]));
      children.set(Number(parent), [...(children.get(Number(parent)) ?? []), Number(name)]);
    }
  } catch {
    return null;
  }
  let sum = 0;
  const todo = [rootPid];
  for (let pid = todo.pop(); pid !== undefined; pid = todo.pop()) {
    sum += ticks.get(pid) ?? 0;
    todo.push(...(children.get(pid) ?? []));
  }
  return sum * TICK_MS;
}

/** Fields of /proc/<pid>/stat after the name, which may hold spaces; null when the process is gone. */
function statFieldsOf(pid: string): string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return null;
  }
}

/** Resident memory of a process in MB; null where there is no /proc. */
export function residentMbOf(pid: number): number | null {
  try {
    const kb = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kb === undefined ? null : Number(kb) / 1_024;
  } catch {
    return null;
  }
}
