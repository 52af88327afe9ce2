import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 50;

/**
 * The first of the ports that is still taken after `patienceMs`, or null when all are free.
 *
 * Patience is for a run that was killed a moment ago, whose children are just ending.
 */
export async function takenPort(
  ports: readonly number[],
  host: string,
  patienceMs: number,
): Promise<number | null> {
  const giveUpAt = performance.now() + patienceMs;
  for (const port of ports) {
    while (!(await isFree(port, host))) {
      if (performance.now() >= giveUpAt) return port;
      await sleep(POLL_MS);
    }
  }
  return null;
}

function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error) => {
      if ("code" in error && error.code === "EADDRINUSE") resolve(false);
      else reject(error);
    });
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
