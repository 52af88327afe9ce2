/** The product in one test: bookings far above the usual with few drivers raise the price there, at once, for a while. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { EventInput } from "../../contract/events.ts";
import type { ForecastAnswer } from "../../contract/pricing.ts";
import { postEvents, readDemand, readPrice } from "../support/edge-requests.ts";
import { freePortRange } from "../support/port-range.ts";
import { until } from "../support/processes.ts";
import { type Stack, startStack } from "../support/stack.ts";

const BUSY = "nyc-161";
const OTHER = "nyc-48";
const FRESHNESS_LIMIT_MS = 3_000;
const MINUTE_MS = 60_000;

let stack: Stack;
let dataDir: string;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "surge-"));
  // At its own speed New York hardly changes while the test looks.
  stack = await startStack({ port: await freePortRange(), dataDir, demo: "nyc", speed: 1 });
});
afterAll(async () => {
  await stack.stop();
  await rm(dataDir, { recursive: true, force: true });
});

/** Bookings expected in the coming quarter hour. */
async function expectedBookings(): Promise<number> {
  const response = await fetch(
    `${stack.pricingUrl}/api/v1/forecast/demand?region_id=${BUSY}&horizon=15`,
    { headers: { authorization: `Bearer ${stack.keys.admin}` } },
  );
  const { points } = (await response.json()) as ForecastAnswer;
  const p50 = points[0]?.p50;
  if (p50 === undefined) throw new Error("no forecast");
  return p50;
}

/** Bookings of the last four minutes, and a report of hardly any free drivers. */
function rush(bookings: number, now: number): EventInput[] {
  const events = Array.from({ length: bookings }, (_, n): EventInput => {
    return {
      event_type: "booking",
      region_id: BUSY,
      timestamp: new Date(now - ((n * 7_919) % (4 * MINUTE_MS))).toISOString(),
      idempotency_key: `rush-${n}`,
      user_id: `u-${n}`,
      product_type: "standard_ride",
    };
  });
  return [
    ...events,
    {
      event_type: "supply_update",
      region_id: BUSY,
      timestamp: new Date(now).toISOString(),
      idempotency_key: "rush-supply",
      metadata: { available: 2, busy: 60 },
    },
  ];
}

test("a rush raises the price of its zone within 3 s, of no other, and only while it lasts", async () => {
  // A few looks make the isolate's copy a warm one.
  for (let look = 0; look < 5; look++) {
    await readPrice(stack, BUSY);
    await readPrice(stack, OTHER);
    await sleep(200);
  }
  const before = { busy: await readPrice(stack, BUSY), other: await readPrice(stack, OTHER) };
  expect(before.busy.source).toBe("model");
  const usual = await expectedBookings();
  const now = Date.parse((await readDemand(stack, BUSY)).as_of);

  await postEvents(stack, rush(Math.ceil(3 * usual), now));
  const raisedAfterMs = await until("the price rises", FRESHNESS_LIMIT_MS, async () => {
    return (await readPrice(stack, BUSY)).price > before.busy.price;
  });
  expect(raisedAfterMs).toBeLessThan(FRESHNESS_LIMIT_MS);
  expect((await readPrice(stack, OTHER)).price).toBe(before.other.price);

  const surged = await readPrice(stack, BUSY, { fresh: true });
  expect(surged.demand_score ?? 0).toBeGreaterThan(before.busy.demand_score ?? 1);
  expect(surged.factors.demand).toBeGreaterThan(before.busy.factors.demand);
  expect(surged.factors.supply).toBeGreaterThan(before.busy.factors.supply);

  // Half an hour passes in a quarter of a minute.
  await stack.stop();
  stack = await startStack({ port: stack.port, dataDir, demo: "nyc", speed: 120 });
  await until("the windows have slid past the rush", 30_000, async () => {
    return Date.parse((await readDemand(stack, BUSY)).as_of) > now + 25 * MINUTE_MS;
  });
  await until("the price is down again", 10_000, async () => {
    const price = await readPrice(stack, BUSY);
    return price.price < surged.price && price.factors.demand < surged.factors.demand;
  });
});
