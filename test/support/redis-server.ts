/** A Redis of a test's own, to be killed and started again. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createClient } from "redis";

export interface RedisServer {
  readonly url: string;
  start(): Promise<void>;
  /** With SIGKILL: nothing of it is kept. */
  kill(): Promise<void>;
}

/** A server that keeps everything in memory, not started yet. */
export function redisServer(port: number): RedisServer {
  const url = `redis://127.0.0.1:${port}`;
  let process: ChildProcess | null = null;
  return {
    url,
    async start() {
      const args = [
        "--port",
        String(port),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--appendonly",
        "no",
      ];
      process = spawn("redis-server", args, { stdio: "ignore" });
      await once(process, "spawn");
      await answering(url);
    },
    async kill() {
      const ended = process && once(process, "exit");
      process?.kill("SIGKILL");
      await ended;
      process = null;
    },
  };
}

async function answering(url: string): Promise<void> {
  const client = createClient({ url, socket: { reconnectStrategy: () => 50 } });
  client.on("error", () => undefined);
  await client.connect();
  await client.ping();
  client.destroy();
}
