/**
 * Prices go on while anything behind them fails or hangs, one after the other and all together, under load: every answer is a 200,
 * says what it was made from, and comes soon; and all is as before within a breaker period after the fault is over.
 *
 * CI runs a shorter form. With an outage that outlasts the features: `RESILIENCE_OUTAGE_S=150 npx vitest run --project system
 * test/system/price-resilience.test.ts`.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { FaultMode, Faulty } from "../../workers/pricing/dependency-faults.ts";
import { freePortRange } from "../support/port-range.ts";
import { PriceLoad, type PriceTold } from "../support/price-load.ts";
import { until } from "../support/processes.ts";
import { type Stack, startStack } from "../support/stack.ts";

const PRICES_PER_S = Number(process.env.RESILIENCE_PRICES_PER_S ?? 200);
const OUTAGE_S = Number(process.env.RESILIENCE_OUTAGE_S ?? 0);
const REGIONS = [161, 234, 231, 237, 249, 79, 230, 48, 170, 186].map((zone) => `nyc-${zone}`);
const EVERYTHING = ["regions", "cache", "kv", "r2", "d1", "queue", "limits", "ingest"] as const;
const LOOK_MS = 1_200;
/** An isolate that starts anew loads the runtime of its model first, and a busy machine takes its time. */
const SETTLING_LIMIT_MS = 10_000;
/** `BREAKER_PERIOD_MS` of the Worker. */
const BREAKER_PERIOD_MS = 2_000;
/** What a busy machine adds to it: a timer that is late, a model that loads. */
const SLACK_MS = 1_500;
/** Nothing waits longer than a quarter of a second, for a limit's lease a second; the rest is the machine. What hangs hangs for a minute. */
const LONGEST_MS = 4_000;

let stack: Stack;
let load: PriceLoad;
beforeAll(async () => {
  stack = await startStack({
    port: await freePortRange(),
    vars: { "pricing.FAULTS": "on-request" },
  });
  load = new PriceLoad({ stack, regions: REGIONS, pricesPerS: PRICES_PER_S });
  load.start();
  await until("every region is priced by the model", 30_000, isAsBefore);
});
afterEach(() => faults({}));
afterAll(async () => {
  await load?.stop();
  await stack?.stop();
});

async function faults(modes: Partial<Record<Faulty, FaultMode>>, cold = false): Promise<void> {
  const response = await fetch(`${stack.pricingUrl}/faults`, {
    method: "PUT",
    body: JSON.stringify({ modes, cold }),
  });
  expect(response.status).toBe(204);
}

const allAs = (mode: FaultMode) => Object.fromEntries(EVERYTHING.map((name) => [name, mode]));

/** What is asked for all the time; of others nobody would notice that they are back. */
const ASKED = ["regions", "kv", "d1", "queue"];

/** All regions are priced by the model, and everything behind it is asked as ever. */
async function isAsBefore(): Promise<boolean> {
  const latest = load.latest();
  if (latest.length < REGIONS.length) return false;
  if (latest.some(({ source, stale }) => source !== "model" || stale)) return false;
  const response = await fetch(`${stack.pricingUrl}/metrics`, {
    headers: { authorization: `Bearer ${stack.keys.admin}` },
  });
  const text = await response.text();
  return ASKED.every((name) => text.includes(`pricing_breaker_open{dependency="${name}"} 0\n`));
}

/** What was told in so long. */
async function during(ms: number): Promise<PriceTold[]> {
  load.take();
  await sleep(ms);
  return load.take();
}

/** What an isolate tells that has nothing in memory, once every region's newest price has the same basis. */
async function fromColdIsolate(source: PriceTold["source"]): Promise<PriceTold[]> {
  load.forgetLatest();
  const settles = `a new isolate prices by ${source}`;
  await until(settles, SETTLING_LIMIT_MS, () => {
    const latest = load.latest();
    return latest.length === REGIONS.length && latest.every((told) => told.source === source);
  });
  return during(LOOK_MS);
}

const basesOf = (told: readonly PriceTold[]) =>
  [...new Set(told.map(({ source, stale }) => `${source}${stale ? ", stale" : ""}`))].sort();
const longestOf = (told: readonly PriceTold[]) => Math.max(...told.map(({ tookMs }) => tookMs));

/** Every answer since the last look was a price, and soon; then says how long recovery took. */
async function expectRecovery(): Promise<number> {
  load.forgetLatest();
  await faults({});
  const recoveredMs = await until("all is as before", 15_000, isAsBefore);
  expect(load.failures()).toEqual([]);
  expect(recoveredMs).toBeLessThan(BREAKER_PERIOD_MS + SLACK_MS);
  return recoveredMs;
}

const CASES: [
  what: string,
  modes: Partial<Record<Faulty, FaultMode>>,
  ofColdIsolate: PriceTold["source"],
][] = [
  ["the regions' objects hang", { regions: "hangs" }, "model"],
  ["the regions' objects fail", { regions: "fails" }, "model"],
  [
    "the regions' objects and the location's cache fail",
    { regions: "fails", cache: "fails" },
    "model",
  ],
  ["the location's cache hangs", { cache: "hangs" }, "model"],
  ["KV hangs", { kv: "hangs" }, "last_forecast"],
  ["R2 hangs", { r2: "hangs" }, "last_forecast"],
  ["D1 hangs", { d1: "hangs" }, "model"],
  ["the queue hangs", { queue: "hangs" }, "model"],
  ["the ledger of limits hangs", { limits: "hangs" }, "model"],
  ["ingest hangs", { ingest: "hangs" }, "model"],
  ["all of it fails", allAs("fails"), "rules_only"],
  ["all of it hangs", allAs("hangs"), "rules_only"],
];

describe("prices under load", () => {
  for (const [what, modes, ofColdIsolate] of CASES)
    test(`go on while ${what}`, async () => {
      load.take();
      await faults(modes);
      const warm = await during(LOOK_MS);
      expect(basesOf(warm)).toEqual(["model"]);
      // Whatever hangs, a request that has features at hand waits for none of it.
      expect(warm.filter(({ hasWaited }) => hasWaited)).toEqual([]);
      await faults(modes, true);
      const cold = await fromColdIsolate(ofColdIsolate);
      expect(basesOf(cold)).toEqual([ofColdIsolate]);
      const recoveredMs = await expectRecovery();
      expect(longestOf([...warm, ...cold])).toBeLessThan(LONGEST_MS);
      console.log(
        `${what}: ${warm.length + cold.length} prices, longest ${Math.round(longestOf(warm))} ms warm, ${Math.round(longestOf(cold))} ms cold; recovered in ${Math.round(recoveredMs)} ms`,
      );
    });

  test.runIf(OUTAGE_S > 0)(
    "are stale, and say so, while an outage outlasts the features",
    { timeout: (OUTAGE_S + 60) * 1_000 },
    async () => {
      const startedAt = Date.now();
      await faults(allAs("hangs"));
      const told: PriceTold[] = [];
      while (Date.now() - startedAt < OUTAGE_S * 1_000) told.push(...(await during(1_000)));
      for (const { at, source, stale } of told) {
        expect(source).toBe("model");
        // Ticks are up to half a minute old when it begins.
        const sinceMs = at - startedAt;
        if (sinceMs < 88_000) expect(stale).toBe(false);
        if (sinceMs > 122_000) expect(stale).toBe(true);
      }
      await expectRecovery();
      expect(basesOf(await during(1_000))).toEqual(["model"]);
    },
  );
});
