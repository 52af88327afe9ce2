/**
 * 64 clients hammer what one user may ask for, at both doors of the local stack, and get that: no more, no less.
 *
 * LIMITS_TEST_S=180 hammers for three minutes instead of twenty seconds.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePortRange } from "../support/port-range.ts";
import { type Stack, startStack } from "../support/stack.ts";

const CLIENTS = 64;
const SECONDS = Number(process.env.LIMITS_TEST_S ?? 20);
/** The burst is spent by then, also where everything is cold. */
const UNCOUNTED_S = 4;
/** Each client asks again so long after its answer: together some hundred times what the user may. */
const PAUSE_MS = 20;
/** A public key's defaults. */
const PER_MINUTE = 1_000;
const BURST = 100;

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ port: await freePortRange() });
});
afterAll(() => stack.stop());

interface Tally {
  allowed: number;
  /** Of them, after the burst. */
  sustained: number;
  refused: number;
  seconds: number;
  /** Headers of the last refusal. */
  refusal: Headers | null;
}

/** Sends what `bodyOf` makes, from 64 addresses, until the time is over. */
async function hammer(url: string, bodyOf: () => object): Promise<Tally> {
  const tally: Tally = { allowed: 0, sustained: 0, refused: 0, seconds: 0, refusal: null };
  const startedAt = performance.now();
  const elapsedS = () => (performance.now() - startedAt) / 1_000;
  const client = async (n: number) => {
    while (elapsedS() < UNCOUNTED_S + SECONDS) {
      const response = await fetch(url, {
        method: "POST",
        headers: {
          authorization: `Bearer ${stack.keys.public}`,
          "content-type": "application/json",
          "cf-connecting-ip": `203.0.113.${n}`,
        },
        body: JSON.stringify(bodyOf()),
      });
      await response.arrayBuffer();
      if (response.ok) {
        tally.allowed++;
        if (elapsedS() > UNCOUNTED_S) tally.sustained++;
      } else if (response.status === 429) {
        tally.refused++;
        tally.refusal = response.headers;
      } else {
        throw new Error(`${url} answered ${response.status}`);
      }
      await sleep(PAUSE_MS);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, n) => client(n)));
  tally.seconds = elapsedS();
  return tally;
}

const inTime = (seconds: number) => (PER_MINUTE * seconds) / 60;

function expectTheLimit({ allowed, sustained, refused, seconds, refusal }: Tally): void {
  const expected = inTime(seconds - UNCOUNTED_S);
  expect(refused).toBeGreaterThan(allowed);
  expect(sustained).toBeGreaterThan(0.95 * expected);
  expect(sustained).toBeLessThan(1.05 * expected);
  expect(allowed).toBeLessThan(1.05 * (BURST + inTime(seconds)));
  expect(Number(refusal?.get("retry-after"))).toBeGreaterThan(0);
  expect(refusal?.get("ratelimit")).toMatch(/^"user";r=0;t=\d+$/);
  expect(refusal?.get("ratelimit-policy")).toBe('"user";q=1000;w=60');
}

let sequence = 0;
const price = () => ({
  region_id: "nyc-161",
  product_type: "standard_ride",
  user_id: "hammering-for-prices",
});
const event = () => ({
  event_type: "search",
  region_id: "nyc-161",
  timestamp: new Date().toISOString(),
  idempotency_key: `hammered-${sequence++}`,
  user_id: "hammering-with-events",
});

test(
  `64 clients of one user get 1,000 prices a minute, and 1,000 events, over ${SECONDS} s`,
  async () => {
    const [prices, events] = await Promise.all([
      hammer(`${stack.pricingUrl}/api/v1/pricing/compute`, price),
      hammer(`${stack.ingestUrl}/api/v1/events`, event),
    ]);
    console.log(
      `in ${SECONDS} s after the burst: ${prices.sustained} prices, ${events.sustained} events ` +
        `(${Math.round(inTime(SECONDS))} are right); ${prices.refused + events.refused} refused`,
    );
    expectTheLimit(prices);
    expectTheLimit(events);
  },
  (UNCOUNTED_S + SECONDS) * 1_000 + 60_000,
);
