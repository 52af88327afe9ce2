import { describe, expect, it } from "vitest";
import type { EmergencyDocument, MeasuresInForce } from "../../domain/emergency.ts";
import { measuresFor } from "../../domain/emergency.ts";
import { type PriceLimits, priceFrom } from "../../domain/price.ts";
import { NOTHING_KNOWN } from "../../domain/price-inputs.ts";
import type { Settings } from "../../domain/rules.ts";
import { toldAfter } from "../../domain/told-prices.ts";
import {
  type EpochMs,
  MINUTE_MS,
  type MinorUnits,
  type ProductType,
  type RegionId,
} from "../../domain/units.ts";
import { documentWith, planBy, planIn, settings } from "../support/pricing-samples.ts";

const T0 = Date.UTC(2026, 0, 5, 12) as EpochMs;
const at = (afterMs: number) => (T0 + afterMs) as EpochMs;
const told = (...prices: [afterMs: number, priceMinor: number][]) =>
  prices.map(([afterMs, priceMinor]) => ({
    at: at(afterMs),
    priceMinor: priceMinor as MinorUnits,
  }));
const limits = (fields: Partial<PriceLimits>): PriceLimits => ({
  told: [],
  asOf: T0,
  measures: null,
  ...fields,
});
const NO_MEASURES: MeasuresInForce = {
  maxMultiplier: Number.POSITIVE_INFINITY,
  maxMinor: Number.POSITIVE_INFINITY,
  freeze: null,
  names: [],
};

describe("priceFrom()", () => {
  const moving = planBy({
    demand: { weight: 1, neutral: 0.5, steepness: 6, threshold: 0.5 },
    supply: { weight: 1, neutral: 0.5 },
  });

  it("really moves with demand and with scarcity", () => {
    const priced = (inputs: Partial<typeof NOTHING_KNOWN>) =>
      priceFrom(moving, { ...NOTHING_KNOWN, ...inputs }).priceMinor;
    expect(priced({ demandScore: 0.6 })).toBeGreaterThan(priced({ demandScore: 0.5 }));
    expect(priced({ availableSupply: 3, recentDemand: 9 })).toBe(1_250);
    expect(priced({ availableSupply: 9, recentDemand: 9 })).toBe(1_000);
    expect(priced({ availableSupply: 27, recentDemand: 9 })).toBe(750);
  });

  it.each([
    { name: "no demand score", inputs: {}, values: { demand: null } },
    { name: "a score at the threshold", inputs: { demandScore: 0.5 }, values: { demand: 0.5 } },
    { name: "a driver for each booking", supply: [7, 7], values: { supply: 0.5 } },
    { name: "no driver left", supply: [0, 7], values: { supply: 1 } },
    { name: "no booking, which counts as one", supply: [3, 0], values: { supply: 0.25 } },
    { name: "the worst weather", inputs: { weatherSeverity: 1 }, values: { weather: 1.5 } },
    { name: "the largest event", inputs: { eventScore: 1 }, values: { events: 1.5 } },
    { name: "an hour of the table", inputs: { localHour: 8 }, values: { time_of_day: 8 } },
    { name: "midnight", inputs: { localHour: 0 }, values: { time_of_day: 0 } },
    {
      name: "a day with hours of its own",
      inputs: { localHour: 8, dayOfWeek: 6 },
      values: { time_of_day: 2 },
    },
  ])("has the factor values of the formula with $name", ({ inputs = {}, supply, values }) => {
    const plan = planBy({
      demand: { weight: 1, neutral: 0, steepness: 6, threshold: 0.5 },
      timeOfDay: {
        weight: 1,
        neutral: 0,
        multiplierByHour: Array.from({ length: 24 }, (_, h) => h),
        byDay: { sat: new Array<number>(24).fill(2) },
      },
    });
    const [availableSupply = null, recentDemand = 0] = supply ?? [];
    const all = { ...NOTHING_KNOWN, availableSupply, recentDemand, ...inputs };
    expect(priceFrom(plan, all).values).toMatchObject(values);
  });

  it("rounds into the bounds where the nearest price on the grid lies outside them", () => {
    const by = (fields: Settings, prices: object) =>
      priceFrom(planBy({ rounding: 0.25, ...fields, products: { ride: prices } }), NOTHING_KNOWN);
    const up = by({ minMultiplier: 1 }, { basePrice: 10.1 });
    expect(up.priceMinor).toBe(1_025);
    expect(up.adjustments.rounding).toBeCloseTo(15 / 1_010, 12);
    expect(by({}, { basePrice: 10, ceilingPrice: 10.2 }).priceMinor).toBe(1_000);
    const lifted = by({}, { basePrice: 10, floorPrice: 14.9 });
    expect(lifted.priceMinor).toBe(1_500);
    expect(lifted.adjustments.constraint).toBeCloseTo(0.49, 12);
  });

  it("reads curves of the team's own, and names those whose input is missing", () => {
    const plan = planBy({
      curves: {
        occupancy: {
          input: "utilization",
          weight: 2,
          neutral: 1,
          points: [
            [0.5, 1],
            [1, 1.5],
          ],
        },
      },
    });
    const full = priceFrom(plan, { ...NOTHING_KNOWN, utilization: 0.75 });
    expect(full.values.occupancy).toBe(1.25);
    expect(full.factors.occupancy).toBe(0.5);
    expect(full.priceMinor).toBe(1_500);
    const unknown = priceFrom(plan, NOTHING_KNOWN);
    expect(unknown.missing).toContain("occupancy");
    expect(unknown.priceMinor).toBe(1_000);
  });

  it("adds what the rules adjust, and says so", () => {
    const price = priceFrom(planBy({ adjust: -0.2 }), NOTHING_KNOWN);
    expect(price.priceMinor).toBe(800);
    expect(price.factors.adjustment).toBe(-0.2);
  });

  it("adds what the request says of itself after the limits in time", () => {
    const plan = planIn(
      documentWith(
        settings({
          supply: { weight: 1, neutral: 0.5 },
          maxStepPerMinute: 0.1,
          curves: {
            lead: {
              input: "attribute.lead_time_days",
              weight: 1,
              neutral: 1,
              points: [
                [0, 1.3],
                [30, 1],
              ],
            },
          },
        }),
      ),
    );
    const scarce = { ...NOTHING_KNOWN, availableSupply: 0, recentDemand: 5 };
    const past = limits({ told: told([-10_000, 1_000]) });
    const today = priceFrom(plan, { ...scarce, attributes: { lead_time_days: 0 } }, past);
    const ahead = priceFrom(plan, { ...scarce, attributes: { lead_time_days: 30 } }, past);
    expect(ahead.priceMinor).toBe(1_100);
    expect(today.priceMinor).toBe(1_400);
    expect(today.marketMinor).toBe(ahead.marketMinor);
    // Without any the document's default counts: 7 days.
    expect(priceFrom(plan, scarce, past).priceMinor).toBe(1_330);
  });
});

describe("limits in time", () => {
  const scarce = { ...NOTHING_KNOWN, availableSupply: 0, recentDemand: 5 };
  const ample = { ...NOTHING_KNOWN, availableSupply: 95, recentDemand: 5 };
  const supply = { weight: 1, neutral: 0.5 };

  it("let the price go no further than a step from any price of the minute", () => {
    const plan = planBy({ supply, maxStepPerMinute: 0.1, rounding: 0.25 });
    const priced = (past: ReturnType<typeof told>) =>
      priceFrom(plan, scarce, limits({ told: past }));
    expect(priced(told([-5_000, 1_000])).priceMinor).toBe(1_100);
    expect(priced(told([-30_000, 1_000], [-10_000, 1_050])).priceMinor).toBe(1_100);
    // In force until half a minute ago, so it still binds.
    expect(priced(told([-600_000, 1_000], [-30_000, 1_100])).priceMinor).toBe(1_100);
    expect(priced(told([-600_000, 1_000], [-60_000, 1_100])).priceMinor).toBe(1_200);
    expect(priced(told([-5_000, 1_000])).adjustments.step_limit).toBeCloseTo(-0.4, 12);
  });

  it("let a price fall no faster than it rises", () => {
    const plan = planBy({ supply, maxStepPerMinute: 0.1 });
    expect(priceFrom(plan, ample, limits({ told: told([-1_000, 1_000]) })).priceMinor).toBe(900);
  });

  it("give way to bounds that the last price lies outside of", () => {
    const plan = planBy({ supply, maxStepPerMinute: 0.1, maxMultiplier: 1.2 });
    expect(priceFrom(plan, scarce, limits({ told: told([-1_000, 3_000]) })).priceMinor).toBe(1_200);
  });

  it("hold nothing where nothing was told, or no time is known", () => {
    const plan = planBy({ supply, maxStepPerMinute: 0.1 });
    expect(priceFrom(plan, scarce, limits({})).priceMinor).toBe(1_500);
    const timeless = limits({ told: told([-1_000, 1_000]), asOf: null });
    expect(priceFrom(plan, scarce, timeless).priceMinor).toBe(1_500);
  });

  it("keep a price that would move by less than the hysteresis", () => {
    const plan = planBy({ supply, hysteresis: 0.06 });
    const nearly = { ...NOTHING_KNOWN, availableSupply: 8, recentDemand: 10 };
    const stays = priceFrom(plan, nearly, limits({ told: told([-1_000, 1_000]) }));
    expect(stays.priceMinor).toBe(1_000);
    expect(stays.adjustments.hysteresis).toBeCloseTo(-(1 / 1.8 - 0.5), 12);
    expect(priceFrom(plan, nearly, limits({ told: told([-1_000, 990]) })).priceMinor).toBe(1_056);
  });
});

describe("emergency measures", () => {
  const dear = planBy({ adjust: 1, minMultiplier: 1, rounding: 0.25 });

  it("cap the price, below the rules' own lowest price where need be", () => {
    const capped = (measures: Partial<MeasuresInForce>) =>
      priceFrom(dear, NOTHING_KNOWN, limits({ measures: { ...NO_MEASURES, ...measures } }));
    expect(capped({ maxMultiplier: 1.2 }).priceMinor).toBe(1_200);
    expect(capped({ maxMultiplier: 1.2 }).adjustments.emergency_cap).toBeCloseTo(-0.8, 12);
    expect(capped({ maxMinor: 1_110 }).priceMinor).toBe(1_100);
    expect(capped({ maxMultiplier: 0.5 }).priceMinor).toBe(500);
    expect(capped({ maxMinor: 13 }).priceMinor).toBe(13);
    expect(capped({ maxMultiplier: 7 }).priceMinor).toBe(2_000);
  });

  it("hold a frozen price where it was told last, or at its base price", () => {
    const frozen = (freeze: "last" | "base", past = told([-900_000, 1_750])) =>
      priceFrom(dear, NOTHING_KNOWN, limits({ told: past, measures: { ...NO_MEASURES, freeze } }));
    expect(frozen("last").priceMinor).toBe(1_750);
    expect(frozen("last").adjustments.freeze).toBeCloseTo(-0.25, 12);
    expect(frozen("last", []).priceMinor).toBe(1_000);
    expect(frozen("base").priceMinor).toBe(1_000);
  });

  const scope = { regions: null, products: null };
  const document: EmergencyDocument = {
    caps: [
      { name: "all", scope, reason: "storm", maxMultiplier: 2, maxPrice: null },
      {
        name: "here",
        scope: { regions: ["nyc-161"], products: null },
        reason: "storm",
        maxMultiplier: 1.5,
        maxPrice: 20.005,
      },
    ],
    freezes: [
      {
        name: "premium",
        scope: { regions: null, products: ["premium_ride"] },
        reason: "error",
        hold: "last",
      },
    ],
  };

  it("are the strictest of those for the region and the product", () => {
    const of = (regionId: string, productType: string) =>
      measuresFor(document, regionId as RegionId, productType as ProductType, "USD");
    expect(of("nyc-1", "ride")).toEqual({ ...NO_MEASURES, maxMultiplier: 2, names: ["all"] });
    expect(of("nyc-161", "premium_ride")).toEqual({
      maxMultiplier: 1.5,
      maxMinor: 2_000,
      freeze: "last",
      names: ["all", "here", "premium"],
    });
    expect(
      measuresFor(
        { caps: [], freezes: document.freezes },
        "nyc-1" as RegionId,
        "ride" as ProductType,
        "USD",
      ),
    ).toBeNull();
  });
});

describe("toldAfter()", () => {
  it("keeps the last price alone where nothing limits steps, and when it began", () => {
    const [first] = told([0, 1_000]);
    if (!first) throw new Error("nothing was told");
    expect(toldAfter([first], { at: at(5_000), priceMinor: first.priceMinor }, false)).toEqual([
      first,
    ]);
    expect(toldAfter([first], told([5_000, 1_100])[0] ?? first, false)).toEqual(
      told([5_000, 1_100]),
    );
  });

  it("keeps what was in force within the minute", () => {
    const past = told([-200_000, 900], [-61_000, 1_000], [-30_000, 1_100]);
    const next = toldAfter(past, { at: T0, priceMinor: 1_200 as MinorUnits }, true);
    expect(next).toEqual(told([-61_000, 1_000], [-30_000, 1_100], [0, 1_200]));
    expect(toldAfter(next, { at: at(MINUTE_MS), priceMinor: 1_200 as MinorUnits }, true)).toEqual(
      told([0, 1_200]),
    );
  });
});
