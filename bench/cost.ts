/** What events cost on Cloudflare: operations counted while a load of a given rate plays, times the published prices. */
import { setTimeout as sleep } from "node:timers/promises";
import { runtimeOf } from "../test/support/processes.ts";
import type { Stack } from "../test/support/stack.ts";
import { type BilledOperation, OBJECT_GB, USD_PER_MILLION } from "./cloudflare-prices.ts";
import { type Counters, CounterWatch, riseOf } from "./counters.ts";
import { EventBodies } from "./event-bodies.ts";
import { postEvents } from "./post-events.ts";
import { cpuMsOf } from "./servers.ts";

export interface CostCase {
  eventsPerS: number;
  eventsPerBody: number;
  seconds: number;
}

export interface CostResult extends CostCase {
  events: number;
  perMillionEvents: Record<BilledOperation, number>;
  usdPerMillionEvents: number;
  usdByOperation: Record<BilledOperation, number>;
}

const SPREAD_MS = 5_000;
/** Until everything that was sent has been stored, logged and confirmed. */
const SETTLE_MS = 12_000;
/** An object is in memory for about so long after each call: its timer to store what arrived. */
const AWAKE_S = 3;

/** Plays the load and counts. The regions share the events evenly. */
export async function measureCost(
  stack: Stack,
  regions: readonly string[],
  { eventsPerS, eventsPerBody, seconds }: CostCase,
): Promise<CostResult> {
  const bodies = new EventBodies({
    regions,
    eventsPerBody,
    repeatShare: 0.1,
    spreadMs: SPREAD_MS,
    run: `cost-${Date.now().toString(36)}`,
  });
  const watch = await CounterWatch.start(stack);
  const runtime = runtimeOf(stack.run.pid).pid;
  const cpuBeforeMs = cpuMsOf(runtime) ?? Number.NaN;
  const everyMs = (eventsPerBody * 1_000) / eventsPerS;
  const count = Math.max(1, Math.round((seconds * 1_000) / everyMs));
  const startedAt = performance.now();
  const answers: Promise<void>[] = [];
  for (let sent = 0; sent < count; sent++) {
    await sleep(Math.max(0, startedAt + sent * everyMs - performance.now()));
    answers.push(postEvents(stack, bodies.next(Date.now()).toString("latin1")));
  }
  await Promise.all(answers);
  const cpuMs = (cpuMsOf(runtime) ?? Number.NaN) - cpuBeforeMs;
  await sleep(SETTLE_MS);
  const rises = await watch.stop();
  const events = count * eventsPerBody;
  const operations = operationsIn(rises, { cpuMs, seconds, regions: regions.length });
  const perMillionEvents = mapValues(operations, (amount) => (amount * 1_000_000) / events);
  const usdByOperation = mapValues(
    perMillionEvents,
    (amount, operation) => (amount * USD_PER_MILLION[operation]) / 1_000_000,
  );
  const usdPerMillionEvents = Object.values(usdByOperation).reduce((sum, usd) => sum + usd, 0);
  return {
    eventsPerS,
    eventsPerBody,
    seconds,
    events,
    perMillionEvents,
    usdPerMillionEvents,
    usdByOperation,
  };
}

function operationsIn(
  rises: Counters,
  run: { cpuMs: number; seconds: number; regions: number },
): Record<BilledOperation, number> {
  const of = (name: string) => riseOf(name, rises);
  const applies = of("aggregator_apply_seconds_count");
  const outboxCalls = of("outbox_calls_total");
  // Awake for a while after each call, and at most all the time.
  const awakeS =
    Math.min(applies * AWAKE_S, run.regions * run.seconds) +
    Math.min(outboxCalls * AWAKE_S, run.seconds);
  return {
    workerRequests: of("ingest_append_seconds_count") + of("aggregator_batches_total"),
    workerCpuMs: run.cpuMs,
    objectRequests: applies + outboxCalls,
    objectGbSeconds: awakeS * OBJECT_GB,
    rowsWritten: of("outbox_rows_written_total") + of("region_rows_written_total"),
    queueOperations: 3 * of("outbox_queue_units_total"),
    r2Writes: of("outbox_segments_total"),
  };
}

function mapValues(
  record: Record<BilledOperation, number>,
  change: (value: number, key: BilledOperation) => number,
): Record<BilledOperation, number> {
  return Object.fromEntries(
    Object.entries(record).map(([key, value]) => [key, change(value, key as BilledOperation)]),
  ) as Record<BilledOperation, number>;
}
