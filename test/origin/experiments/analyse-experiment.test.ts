import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Assigner } from "../../../domain/assignment.ts";
import type { DemandEvent } from "../../../domain/event.ts";
import {
  DAY_MS,
  type ExperimentId,
  HOUR_MS,
  type ProductType,
  plus,
  type RegionId,
} from "../../../domain/units.ts";
import type { ExperimentsClient } from "../../../origin/edge/experiments-client.ts";
import { readRound } from "../../../origin/event-log/read-round.ts";
import {
  type Analysis,
  type AnalysisOptions,
  analyseExperiment,
} from "../../../origin/experiments/analyse-experiment.ts";
import { METRICS } from "../../../origin/experiments/report.ts";
import { reportText } from "../../../origin/experiments/report-text.ts";
import { uniformAt } from "../../../origin/training/seeded-random.ts";
import { BronzeImport } from "../../support/bronze-import.ts";
import { eventRecord, LOG_NOON, sampleEvent, segmentOf } from "../../support/event-log-samples.ts";
import { experiment, readableExposure, user, variant } from "../../support/experiment-samples.ts";

const { signal } = new AbortController();
const REGION = "nyc-161" as RegionId;
const RIDE = "standard_ride" as ProductType;
const DOCUMENT = {
  experiments: [
    {
      ...{ id: "exp_planted", salt: "planted", status: "running", traffic: 1 },
      for: { regions: [REGION], products: [RIDE] },
      variants: [{ name: "control" }, { name: "cheaper" }],
    },
  ],
};
const REGIONS = {
  regions: [REGION, "ldn-1" as RegionId].map((id) => ({
    ...{ region_id: id, name: id, timezone: "UTC", currency: id === REGION ? "USD" : "GBP" },
    product_types: [RIDE],
  })),
};
const OPTIONS: AnalysisOptions = {
  ...{
    experimentId: "exp_planted" as ExperimentId,
    metrics: METRICS,
    alpha: 0.05,
    tunedFor: 5_000,
  },
  ...{ until: undefined, beforeMs: 14 * DAY_MS, everywhere: false, correction: "holm" },
};
const EXPOSED_AT = LOG_NOON;

let bronze: BronzeImport;
let events: DemandEvent[];
let exposures: Awaited<ReturnType<typeof readableExposure>>[];
beforeEach(async () => {
  bronze = await BronzeImport.open();
  [events, exposures] = [[], []];
});
afterEach(() => bronze.close());

function booking(n: number, changes: Partial<DemandEvent>): void {
  const { high, low } = user(n);
  const key = { keyHigh: events.length, keyLow: 7 };
  events.push(
    sampleEvent({
      ...key,
      userHigh: high,
      userLow: low,
      productType: RIDE,
      regionId: REGION,
      ...changes,
    }),
  );
}

/** The edge as far as an analysis asks it: exposures in pages of 700. */
function experimentsClient(): ExperimentsClient {
  return {
    readExperiments: async () => ({ version: "exs_000000000000", document: DOCUMENT }),
    async listExposures(_, after) {
      const from = Number(after ?? 0);
      const next = from + 700 < exposures.length ? String(from + 700) : null;
      return { experiment: "exp_planted", exposures: exposures.slice(from, from + 700), next };
    },
  };
}

async function analysed(changes: Partial<AnalysisOptions> = {}) {
  for (let i = 0; i < events.length; i += 400) {
    bronze.log.add("outbox-0-7", segmentOf(eventRecord(events.slice(i, i + 400))));
  }
  await readRound(bronze.reading({ maxBytes: 100_000_000, maxSegments: 1_000 }), signal);
  const edge = { readRegions: async () => REGIONS };
  const sources = { edge, experiments: experimentsClient(), store: bronze.store };
  return analyseExperiment(sources, { ...OPTIONS, ...changes });
}

async function analysis(changes: Partial<AnalysisOptions> = {}): Promise<Analysis> {
  const found = await analysed(changes);
  if ("reason" in found) throw new Error(found.detail);
  return found;
}

/** People who book more or less often, before and after; those of `cheaper` 25 % more often, at 0.80 of the price. */
function plantEffect(people: number): void {
  const assigner = new Assigner(
    experiment({ salt: "planted", variants: [variant("control"), variant("cheaper")] }),
    null,
  );
  for (let n = 0; n < people; n++) {
    const given = assigner.assign(user(n));
    if (!given) throw new Error("everybody is taken in");
    exposures.push(readableExposure(n, given.name, EXPOSED_AT));
    const habit = 4 * uniformAt(1, 0, n) ** 2;
    const isCheaper = given.name === "cheaper";
    for (let day = 1; day <= 20; day++) {
      const isBefore = day <= 10;
      const rate = (habit / 10) * (isCheaper && !isBefore ? 1.25 : 1);
      if (uniformAt(2, n, day) >= rate) continue;
      const at = plus(EXPOSED_AT, (isBefore ? -day : day - 10) * DAY_MS + HOUR_MS / 2);
      const priceMinor = isCheaper && !isBefore ? 960 : 1200;
      const requestId = `req_${REGION}.${RIDE}.7.rul_000000000001.-.model.${priceMinor}.0.-.-.-.0123abcd`;
      // Half of them name the request, half the price.
      const metadata = n % 2 === 0 ? { request_id: requestId } : { price: priceMinor / 100 };
      booking(n, { occurredAt: at, metadata: JSON.stringify(metadata) });
    }
  }
}

describe("analyseExperiment()", () => {
  it("finds the effect that was planted, and no mismatch; CUPED finds it with less noise", async () => {
    plantEffect(4_000);
    const found = await analysis();
    const { users, arms, sampleRatio, comparisons, currency, unpricedBookings } = found;
    expect(users).toBe(4_000);
    expect(arms.map((arm) => arm.variant)).toEqual(["control", "cheaper"]);
    expect(sampleRatio.isMismatch).toBe(false);
    expect([currency, unpricedBookings]).toEqual(["USD", 0]);
    const of = (metric: string) => {
      const one = comparisons.find((comparison) => comparison.metric === metric);
      if (!one?.plain.liftInterval || !one.cuped?.liftInterval) throw new Error(`no ${metric}`);
      return { ...one, plain: one.plain, cuped: one.cuped, interval: one.cuped.liftInterval };
    };
    const bookings = of("bookings");
    expect(bookings.interval.low).toBeLessThan(0.25);
    expect(bookings.interval.high).toBeGreaterThan(0.25);
    expect(bookings.cuped.sequentialPValue).toBeLessThan(0.001);
    // Habits explain much of what people do.
    expect(bookings.cuped.varianceReduction).toBeGreaterThan(0.2);
    const width = ({ low, high }: { low: number; high: number }) => high - low;
    expect(width(bookings.interval)).toBeLessThan(
      0.95 * width(bookings.plain.liftInterval ?? { low: 0, high: 0 }),
    );
    // 25 % more bookings at 0.80 of the price: revenue is as it was.
    const revenue = of("revenue");
    expect(revenue.interval.low).toBeLessThan(0);
    expect(revenue.interval.high).toBeGreaterThan(0);
    expect(revenue.plain.control).toBeGreaterThan(10);
    expect(of("conversion").plain.control).toBeLessThan(1);
    const text = reportText(found, 0.05);
    expect(text).toContain("exp_planted, running, 4000 users exposed.");
    expect(text).toContain("Users are split as the weights say");
  });

  it("counts what is after exposure, in the experiment's places, up to the time asked for", async () => {
    exposures.push(
      readableExposure(1, "control", EXPOSED_AT),
      readableExposure(2, "cheaper", EXPOSED_AT),
    );
    const at = (ms: number) => ({ occurredAt: plus(EXPOSED_AT, ms) });
    booking(1, { ...at(0), quantity: 2, metadata: '{"price":12.5}' });
    booking(1, { ...at(-1), quantity: 3, metadata: '{"price":10}' });
    booking(1, { ...at(-15 * DAY_MS), quantity: 100 });
    booking(1, { ...at(HOUR_MS), regionId: "ldn-1" as RegionId, quantity: 20 });
    booking(1, { ...at(HOUR_MS), productType: "premium_ride" as ProductType, quantity: 40 });
    booking(1, { ...at(DAY_MS), quantity: 7 });
    booking(1, { ...at(HOUR_MS), eventType: "search" });
    booking(3, at(HOUR_MS));
    const scoped = await analysis({ until: plus(EXPOSED_AT, DAY_MS) });
    expect(scoped.arms.map(({ users, means }) => [users, means.bookings, means.revenue])).toEqual([
      [1, 2, 25],
      [1, 0, 0],
    ]);
    expect(scoped.comparisons).toEqual([]);
    const all = await analysis({ everywhere: true, metrics: ["bookings"] });
    expect(all.arms[0]?.means.bookings).toBe(2 + 20 + 40 + 7);
    expect(all.unpricedBookings).toBe(3);
    expect(await analysed({ everywhere: true })).toMatchObject({ reason: "several_currencies" });
  });

  it("alarms when users of a variant are missing", async () => {
    for (let n = 0; n < 1_000; n++)
      exposures.push(readableExposure(n, n < 580 ? "control" : "cheaper", EXPOSED_AT));
    const found = await analysis();
    expect(found.sampleRatio.isMismatch).toBe(true);
    expect(reportText(found, 0.05)).toContain("SAMPLE RATIO MISMATCH");
  });

  it("says which experiment it does not know", async () => {
    const fault = await analysed({ experimentId: "exp_other" as ExperimentId });
    expect(fault).toMatchObject({
      reason: "unknown_experiment",
      detail: expect.stringContaining("exp_other"),
    });
  });
});
