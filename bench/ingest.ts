/** Events a second through the whole local path, from the HTTP body to the windows, with exact totals at the end. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Stack } from "../test/support/stack.ts";
import { bookingsOf, eventStream, postEvents } from "./events.ts";

export interface IngestResult {
  events: number;
  /** From the first body until every region shows its last event. */
  seconds: number;
  eventsPerS: number;
  /** Regions whose total is not what was sent. */
  wrongTotals: string[];
}

const DRAIN_LIMIT_MS = 60_000;

export async function benchIngest(
  stack: Stack,
  regions: readonly string[],
  options: { seconds: number; connections: number; eventsPerBody: number },
): Promise<IngestResult> {
  const before = await totalsOf(stack, regions);
  const stream = eventStream(regions, `ingest-${Date.now()}`);
  const startedAt = performance.now();
  let events = 0;
  const post = async () => {
    while (performance.now() - startedAt < options.seconds * 1_000) {
      await postEvents(stack, stream.next(options.eventsPerBody, Date.now()));
      events += options.eventsPerBody;
    }
  };
  await Promise.all(Array.from({ length: options.connections }, post));

  const drainedBy = performance.now() + DRAIN_LIMIT_MS;
  let wrongTotals = [...regions];
  while (wrongTotals.length > 0 && performance.now() < drainedBy) {
    const now = await totalsOf(stack, wrongTotals);
    wrongTotals = wrongTotals.filter((region) => {
      const counted = (now.get(region) ?? 0) - (before.get(region) ?? 0);
      return counted !== (stream.expected.get(region) ?? 0);
    });
    if (wrongTotals.length > 0) await sleep(20);
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  return { events, seconds, eventsPerS: events / seconds, wrongTotals };
}

async function totalsOf(stack: Stack, regions: readonly string[]): Promise<Map<string, number>> {
  const totals = new Map<string, number>();
  for (const region of regions) totals.set(region, await bookingsOf(stack, region));
  return totals;
}
