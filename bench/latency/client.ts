/**
 * The client of the latency suite in a process of its own, for a core of its own:
 *
 *     node bench/latency/client.ts '{"saturate":{"target":{...},"seconds":5}}'
 *     node bench/latency/client.ts '{"openLoop":{...}}'
 *
 * Prints JSON: requests a second, or a `LatencySummary`.
 */
import { inTurn, load } from "../load.ts";
import { pricedBodies } from "../priced-bodies.ts";
import { type OpenLoopOptions, openLoop } from "./open-loop.ts";

export interface ClientTarget {
  url: string;
  key: string;
  /** What is asked about. */
  regions: readonly string[];
}

export type ClientTask =
  | { saturate: ClientTarget & { seconds: number } }
  | { openLoop: ClientTarget & Omit<OpenLoopOptions, "bodies"> };

export interface LatencySummary {
  p50Ms: number;
  p99Ms: number;
  p999Ms: number;
  maxMs: number;
  /** How long after they were due requests left: what the client itself adds. */
  lateP99Ms: number;
  lateMaxMs: number;
  failed: number;
}

const CONNECTIONS = 16;

async function saturate({ url, key, regions, seconds }: ClientTarget & { seconds: number }) {
  const { requestsPerS, failed } = await load(
    { url, key, nextBody: inTurn(pricedBodies(regions)) },
    { seconds, connections: CONNECTIONS },
  );
  if (failed > 0) throw new Error(`${failed} requests failed at ${url}`);
  return requestsPerS;
}

async function latencies({
  regions,
  ...options
}: ClientTarget & Omit<OpenLoopOptions, "bodies">): Promise<LatencySummary> {
  const { latenciesMs, lateMs, failed } = await openLoop({
    ...options,
    bodies: pricedBodies(regions),
  });
  const at = (sorted: Float64Array, share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  return {
    p50Ms: at(latenciesMs, 0.5),
    p99Ms: at(latenciesMs, 0.99),
    p999Ms: at(latenciesMs, 0.999),
    maxMs: at(latenciesMs, 1),
    lateP99Ms: at(lateMs, 0.99),
    lateMaxMs: at(lateMs, 1),
    failed,
  };
}

if (process.argv[1] === import.meta.filename) {
  const task = JSON.parse(process.argv[2] ?? "") as ClientTask;
  const result =
    "saturate" in task ? await saturate(task.saturate) : await latencies(task.openLoop);
  process.stdout.write(JSON.stringify(result));
}
