/**
 * Open-loop load: requests leave at a fixed rate whatever the answers take, and each is timed from the moment it was due, so a pause
 * of the server counts for every request that it kept waiting.
 */
import { type Dispatcher, Pool } from "undici";

export interface OpenLoopOptions {
  url: string;
  key: string;
  /** Sent in turns. */
  bodies: readonly string[];
  requestsPerS: number;
  /** Sent before anything is timed. */
  warmUp: number;
  requests: number;
}

export interface OpenLoopResult {
  /** From due to answered, sorted, in milliseconds. */
  latenciesMs: Float64Array;
  /** From due to sent, sorted: what the client itself adds. */
  lateMs: Float64Array;
  /** Requests that were not answered 200. */
  failed: number;
}

/** More than are ever under way at half load. */
const CONNECTIONS = 64;
const ignore = () => undefined;

/** Sends all of it and waits for the answers. */
export async function openLoop(options: OpenLoopOptions): Promise<OpenLoopResult> {
  const { url, key, bodies, requestsPerS, warmUp, requests } = options;
  const { origin, pathname } = new URL(url);
  const pool = new Pool(origin, { connections: CONNECTIONS, pipelining: 1 });
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const latenciesMs = new Float64Array(requests);
  const lateMs = new Float64Array(requests);
  const total = warmUp + requests;
  let answered = 0;
  let failed = 0;

  function send(i: number, dueAt: number, onLast: () => void): void {
    const timed = i - warmUp;
    if (timed >= 0) lateMs[timed] = performance.now() - dueAt;
    let isGood = false;
    const done = () => {
      if (timed >= 0) latenciesMs[timed] = performance.now() - dueAt;
      if (!isGood) failed++;
      if (++answered === total) onLast();
    };
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart: ignore,
      onResponseStart(_controller, status) {
        isGood = status === 200;
      },
      onResponseData: ignore,
      onResponseEnd: done,
      onResponseError() {
        isGood = false;
        done();
      },
    };
    const body = bodies[i % bodies.length] ?? "";
    pool.dispatch({ path: pathname, method: "POST", headers, body }, handler);
  }

  const everyMs = 1_000 / requestsPerS;
  const startedAt = performance.now();
  await new Promise<void>((resolve) => {
    let sent = 0;
    // A timer is a millisecond too coarse; the client has a core to itself, so it may look at the clock all the time.
    const sendDue = () => {
      const now = performance.now();
      for (; sent < total && startedAt + sent * everyMs <= now; sent++) {
        send(sent, startedAt + sent * everyMs, resolve);
      }
      if (sent < total) setImmediate(sendDue);
    };
    sendDue();
  });
  await pool.close();
  return { latenciesMs: latenciesMs.sort(), lateMs: lateMs.sort(), failed };
}
