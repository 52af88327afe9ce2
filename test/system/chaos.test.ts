/**
 * Zero accepted events lost, zero counted twice: while the runtime is killed, consumers throw, objects are thrown out of
 * memory at random, and regions split and merge.
 *
 * CI runs a shorter form. The whole: `CHAOS_SECONDS=120 CHAOS_KILLS=10 CHAOS_EVENTS_PER_S=5000 npx vitest run --project
 * system test/system/chaos.test.ts`.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EventBodies, type ExpectedCounts } from "../../bench/event-bodies.ts";
import type { DemandAnswer } from "../../contract/regions.ts";
import { drawsFor } from "../../local/feed/random.ts";
import { readDemand } from "../support/edge-requests.ts";
import { freePortRange } from "../support/port-range.ts";
import { runtimeOf, stillAlive, until } from "../support/processes.ts";
import { answersOk, type Stack, startStack } from "../support/stack.ts";

const SECONDS = Number(process.env.CHAOS_SECONDS ?? 30);
const KILLS = Number(process.env.CHAOS_KILLS ?? 4);
const EVENTS_PER_S = Number(process.env.CHAOS_EVENTS_PER_S ?? 3_000);
const SEED = Number(process.env.CHAOS_SEED ?? 1);
const EVENTS_PER_BODY = 250;
const POSTERS = 8;
const REPEAT_SHARE = 0.1;
/** Shuffled within this: less than the allowed lateness by what a body can wait. */
const SPREAD_MS = 60_000;
const REGIONS = [161, 234, 231, 237, 249, 79, 230, 48, 170, 186].map((zone) => `nyc-${zone}`);
const TYPES = ["search", "view", "booking", "cancellation"] as const;
const LIMIT_MS = (SECONDS + 180) * 1_000;

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({
    port: await freePortRange(),
    maxCrashes: 1_000,
    vars: {
      "aggregator.FAULTS": JSON.stringify({ consumer_throws: 0.02, object_aborts: 0.01 }),
      // Low enough that regions split, and merge when a kill makes them quiet.
      "aggregator.SPLIT_ABOVE_EVENTS_PER_S": "250",
      "aggregator.SPLIT_AFTER_S": "2",
      "aggregator.MERGE_BELOW_EVENTS_PER_S": "150",
      "aggregator.MERGE_AFTER_S": "5",
      "ingest.FAULTS": JSON.stringify({ object_aborts: 0.002 }),
    },
  });
});
afterAll(() => stack.stop());

/** Bodies at their rate, whatever the answers take; each goes again under the same keys until it is accepted. */
async function postAll(bodies: EventBodies): Promise<{ posted: number; retries: number }> {
  const waiting: Buffer[] = [];
  let made = 0;
  let retries = 0;
  const total = Math.round((SECONDS * EVENTS_PER_S) / EVENTS_PER_BODY);
  const startedAt = performance.now();
  const make = async () => {
    for (; made < total; made++) {
      await sleep(Math.max(0, startedAt + (made * SECONDS * 1_000) / total - performance.now()));
      waiting.push(Buffer.from(bodies.next(Date.now())));
    }
  };
  const send = async () => {
    while (made < total || waiting.length > 0) {
      const body = waiting.shift();
      if (!body) await sleep(5);
      else retries += await postUntilAccepted(body);
    }
  };
  await Promise.all([make(), ...Array.from({ length: POSTERS }, send)]);
  return { posted: total * EVENTS_PER_BODY, retries };
}

async function postUntilAccepted(body: Buffer): Promise<number> {
  for (let retries = 0; ; retries++) {
    if (await isAccepted(body)) return retries;
    if (retries === 1_000) throw new Error("a body was not accepted in 1,000 tries");
    await sleep(50);
  }
}

async function isAccepted(body: Buffer): Promise<boolean> {
  try {
    const response = await fetch(`${stack.ingestUrl}/api/v1/events`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${stack.keys.ingest}`,
        "content-type": "application/json",
      },
      body: new Uint8Array(body),
      signal: AbortSignal.timeout(10_000),
    });
    const text = await response.text();
    if (response.status === 202) {
      expect(JSON.parse(text)).toEqual({ accepted: EVENTS_PER_BODY, rejected: [] });
      return true;
    }
    // A refusal would never become an acceptance.
    expect(response.status).toBeGreaterThanOrEqual(429);
    return false;
  } catch (error) {
    if (error instanceof TypeError || (error as Error).name === "TimeoutError") return false;
    throw error;
  }
}

async function killAtRandom(): Promise<void> {
  const draws = drawsFor(SEED, "kills");
  const times = Array.from({ length: KILLS }, (_, kill) => {
    return ((kill + draws.between(0.2, 0.9)) * SECONDS * 1_000) / KILLS;
  });
  const startedAt = performance.now();
  for (const at of times) {
    await sleep(Math.max(0, startedAt + at - performance.now()));
    const { pid } = runtimeOf(stack.run.pid);
    process.kill(pid, "SIGKILL");
    await until("the runtime is gone", 5_000, () => stillAlive([pid]).length === 0);
    await until("it serves again", 20_000, () => answersOk(`${stack.ingestUrl}/healthz`));
  }
}

test(`${KILLS} kills in ${SECONDS} s at ${EVENTS_PER_S} events/s, consumers that throw, objects that vanish: every total is exact`, {
  timeout: LIMIT_MS,
}, async () => {
  const bodies = new EventBodies({
    regions: REGIONS,
    eventsPerBody: EVENTS_PER_BODY,
    repeatShare: REPEAT_SHARE,
    spreadMs: SPREAD_MS,
    run: `chaos-${SEED}`,
  });
  const [{ posted, retries }] = await Promise.all([postAll(bodies), killAtRandom()]);
  // Otherwise the kills hit nothing, and this shows nothing.
  expect(retries).toBeGreaterThan(0);

  const expected: ExpectedCounts = new Map();
  bodies.addExpected(expected);
  const counted = async () => {
    const totals = new Map<string, DemandAnswer["totals"]>();
    for (const region of REGIONS) totals.set(region, await totalsOf(region));
    return totals;
  };
  const sum = (all: Iterable<Record<(typeof TYPES)[number], number>>) =>
    [...all].reduce((n, byType) => n + TYPES.reduce((m, type) => m + byType[type], 0), 0);
  const unique = sum(expected.values());
  const drainMs = await until("everything accepted is counted", 120_000, async () => {
    return sum((await counted()).values()) >= unique;
  });
  // What was sent again arrives within this; it must change nothing.
  await sleep(8_000);
  const totals = await counted();
  let duplicates = 0;
  for (const [region, { late, duplicates: repeated, ...byType }] of totals) {
    expect({ region, late, ...byType }).toEqual({ region, late: 0, ...expected.get(region) });
    duplicates += repeated;
  }
  expect(duplicates).toBeGreaterThanOrEqual(posted - unique);
  console.log(
    `chaos: ${posted} events posted, ${unique} unique, ${retries} bodies sent again by the client, ${duplicates} repeats dropped, drained in ${Math.round(drainMs)} ms`,
  );
});

/** Asks until it is answered: the region's object may be thrown out of memory by the question. */
async function totalsOf(region: string): Promise<DemandAnswer["totals"]> {
  for (let attempt = 0; ; attempt++) {
    try {
      return (await readDemand(stack, region)).totals;
    } catch (error) {
      if (attempt === 50) throw error;
      await sleep(100);
    }
  }
}
