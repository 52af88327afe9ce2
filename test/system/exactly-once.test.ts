/** Accepted means counted, once: with repeats, out of order, while the Workers runtime is killed again and again. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { EventInput } from "../../contract/events.ts";
import type { DemandAnswer } from "../../contract/regions.ts";
import { postEvents, readDemand } from "../support/edge-requests.ts";
import { freePortRange } from "../support/port-range.ts";
import { runtimeOf, stillAlive, until } from "../support/processes.ts";
import { shuffled } from "../support/shuffle.ts";
import { answersOk, type Stack, startStack } from "../support/stack.ts";

const UNIQUE_EVENTS = 18_000;
const REPEATS = 2_000;
const EVENTS_PER_BODY = 200;
const POSTERS = 4;
const KILLS = 3;
const REGIONS = [161, 234, 231, 237, 249, 79, 230, 48, 170, 186].map((zone) => `nyc-${zone}`);
const TYPES = ["booking", "search", "view", "cancellation"] as const;
/** Less than the five minutes of allowed lateness by what posting all of it takes, kills included. */
const SPREAD_MS = 180_000;

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ port: await freePortRange() });
});
afterAll(() => stack.stop());

/** Events of the last three minutes, a tenth of the deliveries repeats, in no order. */
function deliveries(now: number): EventInput[] {
  const unique = Array.from({ length: UNIQUE_EVENTS }, (_, n): EventInput => {
    return {
      event_type: TYPES[n % TYPES.length] ?? "booking",
      region_id: REGIONS[Math.floor(n / TYPES.length) % REGIONS.length] ?? "",
      timestamp: new Date(now - ((n * 7_919) % SPREAD_MS)).toISOString(),
      idempotency_key: `once-${n}`,
      user_id: `u-${n % 997}`,
    };
  });
  const repeats = shuffled(unique, 1).slice(0, REPEATS);
  return shuffled([...unique, ...repeats], 2);
}

/** What each region must have counted when every key counts once. */
function expectedTotals(events: readonly EventInput[]): Map<string, Record<string, number>> {
  const totals = new Map(
    REGIONS.map((region) => [region, { search: 0, view: 0, booking: 0, cancellation: 0 }]),
  );
  const byKey = new Map(events.map((event) => [event.idempotency_key, event]));
  for (const { region_id, event_type } of byKey.values()) {
    const region: Record<string, number> | undefined = totals.get(region_id);
    if (region) region[event_type] = (region[event_type] ?? 0) + 1;
  }
  return totals;
}

/** Posts until it is answered 202; whatever else comes, it goes again under the same keys. */
async function postUntilAccepted(events: readonly EventInput[]): Promise<number> {
  for (let retries = 0; ; retries++) {
    try {
      await postEvents(stack, events);
      return retries;
    } catch (error) {
      if (retries === 200) throw error;
      await sleep(50);
    }
  }
}

async function killRuntime(): Promise<void> {
  const { pid } = runtimeOf(stack.run.pid);
  process.kill(pid, "SIGKILL");
  await until("the runtime is gone", 2_000, () => stillAlive([pid]).length === 0);
  await until("it serves again", 5_000, () => answersOk(`${stack.ingestUrl}/healthz`));
}

test("20,000 deliveries with repeats, and three kills, leave totals equal to what was accepted", async () => {
  const events = deliveries(Date.now());
  const bodies = Array.from({ length: events.length / EVENTS_PER_BODY }, (_, body) =>
    events.slice(body * EVENTS_PER_BODY, (body + 1) * EVENTS_PER_BODY),
  );
  const killAfter = Array.from({ length: KILLS }, (_, kill) =>
    Math.round(((kill + 1) * bodies.length) / (KILLS + 1)),
  );
  let accepted = 0;
  let retries = 0;
  let killing = Promise.resolve();
  const waiting = [...bodies];
  const post = async () => {
    for (let body = waiting.shift(); body; body = waiting.shift()) {
      retries += await postUntilAccepted(body);
      accepted++;
      // Not awaited here: the others go on posting into the runtime that dies.
      if (killAfter.includes(accepted)) killing = killing.then(killRuntime);
    }
  };
  await Promise.all(Array.from({ length: POSTERS }, post));
  await killing;
  expect(accepted).toBe(bodies.length);
  // Otherwise the kills hit nothing, and this shows nothing.
  expect(retries).toBeGreaterThan(0);

  const expected = expectedTotals(events);
  const counted = async () => {
    const totals = new Map<string, DemandAnswer["totals"]>();
    for (const region of REGIONS) totals.set(region, (await readDemand(stack, region)).totals);
    return totals;
  };
  const sum = (all: Iterable<Record<string, number>>) =>
    [...all].reduce((n, { search = 0, view = 0, booking = 0, cancellation = 0 }) => {
      return n + search + view + booking + cancellation;
    }, 0);
  await until("everything accepted is counted", 30_000, async () => {
    const totals = [...(await counted()).values()].map((region) => ({ ...region }));
    return sum(totals) >= UNIQUE_EVENTS;
  });
  // Whatever is delivered once more arrives now.
  await sleep(3_000);
  const totals = await counted();
  let duplicates = 0;
  for (const [region, { late, duplicates: repeated, ...byType }] of totals) {
    expect({ region, late, ...byType }).toEqual({ region, late: 0, ...expected.get(region) });
    duplicates += repeated;
  }
  expect(duplicates).toBeGreaterThanOrEqual(REPEATS);
});
