/** From the 202 of an event to its being seen in /demand, while other events stream past; and what storing them costs. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Totals } from "../domain/totals.ts";
import type { Stack } from "../test/support/stack.ts";
import { CounterWatch, riseOf } from "./counters.ts";
import { EventBodies } from "./event-bodies.ts";
import { postEvents } from "./post-events.ts";
import { percentile } from "./table.ts";

export interface FreshnessResult {
  probes: number;
  backgroundEventsPerS: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
  /** Rows that the Durable Objects wrote. */
  rowsPer1000: number;
  outboxRowsPer1000: number;
}

const BODY_EVENTS = 500;
const SPREAD_MS = 8_000;

/** The first region is probed; the others carry the background load, sent at its rate whatever the answers take. */
export async function benchFreshness(
  stack: Stack,
  [probed = "", ...others]: readonly string[],
  options: { probes: number; backgroundEventsPerS: number },
): Promise<FreshnessResult> {
  const run = Date.now().toString(36);
  const watch = await CounterWatch.start(stack);
  let done = false;
  const background = new EventBodies({
    regions: others,
    eventsPerBody: BODY_EVENTS,
    repeatShare: 0.1,
    spreadMs: SPREAD_MS,
    run: `fresh-${run}`,
  });
  const everyMs = (BODY_EVENTS * 1_000) / options.backgroundEventsPerS;
  const stream = async () => {
    const answers: Promise<void>[] = [];
    for (let sent = 0, startedAt = performance.now(); !done; sent++) {
      answers.push(postEvents(stack, background.next(Date.now()).toString("latin1")));
      await sleep(Math.max(0, startedAt + (sent + 1) * everyMs - performance.now()));
    }
    await Promise.all(answers);
    return answers.length * BODY_EVENTS;
  };
  const measure = async () => {
    const lagsMs: number[] = [];
    let known = await bookingsOf(stack, probed);
    for (let i = 0; i < options.probes; i++) {
      const event = {
        event_type: "booking",
        region_id: probed,
        timestamp: new Date().toISOString(),
        idempotency_key: `probe-${run}-${i}`,
      };
      await postEvents(stack, JSON.stringify(event));
      const acceptedAt = performance.now();
      while ((await bookingsOf(stack, probed)) === known) await sleep(5);
      lagsMs.push(performance.now() - acceptedAt);
      known++;
      await sleep(50 + ((i * 37) % 100));
    }
    done = true;
    return lagsMs;
  };
  const [lagsMs, events] = await Promise.all([measure(), stream()]);
  const rises = await watch.stop();
  const rows = (name: string) => (riseOf(name, rises) * 1_000) / (events + lagsMs.length);
  const outboxRowsPer1000 = rows("outbox_rows_written_total");
  return {
    probes: lagsMs.length,
    backgroundEventsPerS: options.backgroundEventsPerS,
    p50Ms: percentile(lagsMs, 0.5),
    p99Ms: percentile(lagsMs, 0.99),
    maxMs: Math.max(...lagsMs),
    rowsPer1000: outboxRowsPer1000 + rows("region_rows_written_total"),
    outboxRowsPer1000,
  };
}

/** Bookings counted in a region since it began. */
async function bookingsOf(stack: Stack, region: string): Promise<number> {
  const response = await fetch(`${stack.pricingUrl}/api/v1/regions/${region}/demand`, {
    headers: { authorization: `Bearer ${stack.keys.pricing}` },
  });
  if (!response.ok) throw new Error(`demand answered ${response.status}: ${await response.text()}`);
  return ((await response.json()) as { totals: Totals }).totals.booking;
}
