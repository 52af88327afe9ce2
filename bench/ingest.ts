/**
 * Events a second through the whole local path, from the HTTP body to the windows, beside a Worker that only parses the same
 * bodies. Every total is compared with what was sent.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Totals } from "../domain/totals.ts";
import { runtimeOf } from "../test/support/processes.ts";
import type { Stack } from "../test/support/stack.ts";
import { EventBodies, type ExpectedCounts } from "./event-bodies.ts";
import { type LoadTarget, load } from "./load.ts";
import { cpuMsOf, residentMbOf } from "./servers.ts";
import { median } from "./table.ts";

export interface IngestOptions {
  seconds: number;
  connections: number;
  eventsPerBody: number;
}

export interface IngestResult {
  events: number;
  /** From the first body until every region shows its last event. */
  seconds: number;
  eventsPerS: number;
  p50Ms: number;
  p99Ms: number;
  /** Requests that were not answered 202; 0, or nothing was measured. */
  failed: number;
  /** CPU of the Workers runtime; null where it cannot be read. */
  cpuUsPerEvent: number | null;
  /** Resident memory of the runtime, one sample a second. */
  memoryMb: number[];
  /** Median memory of the last quarter over that of the third. */
  memoryGrowth: number;
  /** Regions whose totals are not what was sent. */
  wrongTotals: string[];
}

const REPEAT_SHARE = 0.1;
/** Less than the allowed lateness of the run. */
const SPREAD_MS = 8_000;
const DRAIN_LIMIT_MS = 60_000;
const PATH = "/api/v1/events";
let runs = 0;

/** Posts for `seconds`, then waits until every region has counted everything. */
export async function benchIngest(
  stack: Stack,
  regions: readonly string[],
  options: IngestOptions,
): Promise<IngestResult> {
  const before = await totalsOf(stack, regions);
  const bodies = bodiesFor(regions, options);
  const target = targetFor(stack.ingestUrl, stack.keys.ingest, bodies);
  const runtime = runtimeOf(stack.run.pid).pid;
  const memoryMb: number[] = [];
  const sampling = setInterval(() => memoryMb.push(residentMbOf(runtime) ?? Number.NaN), 1_000);
  const cpuBeforeMs = cpuMsOf(runtime);
  const startedAt = performance.now();
  const { requests, failed, p50Ms, p99Ms } = await load(target, options);
  clearInterval(sampling);

  const expected: ExpectedCounts = new Map();
  for (const body of bodies) body.addExpected(expected);
  const drainedBy = performance.now() + DRAIN_LIMIT_MS;
  let wrongTotals = [...regions];
  while (wrongTotals.length > 0 && performance.now() < drainedBy) {
    const now = await totalsOf(stack, wrongTotals);
    wrongTotals = wrongTotals.filter((region) => !isExact(region, before, now, expected));
    if (wrongTotals.length > 0) await sleep(20);
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  const cpuAfterMs = cpuMsOf(runtime);
  const events = requests * options.eventsPerBody;
  const quarter = Math.floor(memoryMb.length / 4);
  return {
    events,
    seconds,
    eventsPerS: events / seconds,
    p50Ms,
    p99Ms,
    failed,
    cpuUsPerEvent:
      cpuBeforeMs === null || cpuAfterMs === null
        ? null
        : ((cpuAfterMs - cpuBeforeMs) * 1_000) / events,
    memoryMb,
    memoryGrowth:
      median(memoryMb.slice(3 * quarter)) / median(memoryMb.slice(2 * quarter, 3 * quarter)),
    wrongTotals,
  };
}

/** Events a second of a Worker that parses such bodies and does nothing with them. */
export async function benchBareParse(
  url: string,
  regions: readonly string[],
  options: IngestOptions,
): Promise<number> {
  const target = targetFor(url, "none", bodiesFor(regions, options));
  const { requestsPerS, failed } = await load(target, options);
  if (failed > 0) throw new Error(`${failed} requests failed at the bare Worker`);
  return requestsPerS * options.eventsPerBody;
}

function bodiesFor(regions: readonly string[], options: IngestOptions): EventBodies[] {
  const run = `${Date.now().toString(36)}${runs++}`;
  return Array.from(
    { length: options.connections },
    (_, connection) =>
      new EventBodies({
        regions,
        eventsPerBody: options.eventsPerBody,
        repeatShare: REPEAT_SHARE,
        spreadMs: SPREAD_MS,
        run: `${run}-${connection}`,
      }),
  );
}

function targetFor(url: string, key: string, bodies: readonly EventBodies[]): LoadTarget {
  return {
    url: url + PATH,
    key,
    nextBody: (connection) => bodies[connection]?.next(Date.now()) ?? "",
    expectedStatus: 202,
  };
}

function isExact(
  region: string,
  before: ReadonlyMap<string, Totals>,
  now: ReadonlyMap<string, Totals>,
  expected: ExpectedCounts,
): boolean {
  const was = before.get(region);
  const is = now.get(region);
  const added = expected.get(region) ?? { search: 0, view: 0, booking: 0, cancellation: 0 };
  if (!was || !is) return false;
  return (["search", "view", "booking", "cancellation"] as const).every(
    (type) => is[type] - was[type] === added[type],
  );
}

async function totalsOf(stack: Stack, regions: readonly string[]): Promise<Map<string, Totals>> {
  const totals = new Map<string, Totals>();
  for (const region of regions) {
    const response = await fetch(`${stack.pricingUrl}/api/v1/regions/${region}/demand`, {
      headers: { authorization: `Bearer ${stack.keys.pricing}` },
    });
    if (!response.ok) throw new Error(`demand answered ${response.status}`);
    totals.set(region, ((await response.json()) as { totals: Totals }).totals);
  }
  return totals;
}
