import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FACTORS, type Factor, type PriceInputs, priceFrom } from "../../domain/price.ts";
import type { MinorUnits } from "../../domain/units.ts";
import {
  fullInputs,
  NOTHING_KNOWN,
  priceInputs,
  product,
  ruleSet,
  soundRules,
} from "../support/pricing-samples.ts";

/** The inputs whose absence makes a factor missing. */
const INPUT_OF: Record<Factor, keyof PriceInputs> = {
  demand: "demandScore",
  supply: "availableSupply",
  time_of_day: "localHour",
  weather: "weatherSeverity",
  events: "eventScore",
};

const sum = (numbers: Record<string, number>) =>
  Object.values(numbers).reduce((total, number) => total + number, 0);

describe("priceFrom()", () => {
  it("never leaves the bounds or the grid, whatever is known", () => {
    fc.assert(
      fc.property(soundRules(), priceInputs, ({ rules, sold }, inputs) => {
        const { priceMinor } = priceFrom(rules, sold, inputs);
        expect(priceMinor % rules.roundingMinor).toBe(0);
        expect(priceMinor).toBeGreaterThanOrEqual(sold.floorMinor ?? 0);
        expect(priceMinor).toBeLessThanOrEqual(sold.ceilingMinor ?? Number.POSITIVE_INFINITY);
        const hair = 1e-6;
        expect(priceMinor).toBeGreaterThanOrEqual(sold.baseMinor * rules.minMultiplier - hair);
        expect(priceMinor).toBeLessThanOrEqual(sold.baseMinor * rules.maxMultiplier + hair);
      }),
      { numRuns: 1_000 },
    );
  });

  it("adds up: one, the factors and the adjustments are the surge multiplier, and that times the base the price", () => {
    fc.assert(
      fc.property(soundRules(), priceInputs, ({ rules, sold }, inputs) => {
        const price = priceFrom(rules, sold, inputs);
        const explained = 1 + sum(price.factors) + sum(price.adjustments);
        expect(Math.abs(explained - price.surgeMultiplier)).toBeLessThanOrEqual(1e-9);
        expect(price.surgeMultiplier * price.baseMinor).toBeCloseTo(price.priceMinor, 6);
        expect(price.baseMinor).toBe(sold.baseMinor);
      }),
      { numRuns: 1_000 },
    );
  });

  it("is the nearest price on the grid where no bound is near", () => {
    const free = soundRules().filter(({ sold }) => !sold.floorMinor && !sold.ceilingMinor);
    fc.assert(
      fc.property(free, priceInputs, ({ rules, sold }, inputs) => {
        const wide = { ...rules, minMultiplier: 0, maxMultiplier: 100 };
        const { factors, priceMinor } = priceFrom(wide, sold, inputs);
        const exact = sold.baseMinor * Math.max(0, 1 + sum(factors));
        expect(Math.abs(priceMinor - exact)).toBeLessThanOrEqual(rules.roundingMinor / 2 + 1e-6);
      }),
    );
  });

  it("counts a missing input as nothing, and names it", () => {
    fc.assert(
      fc.property(soundRules(), priceInputs, ({ rules, sold }, inputs) => {
        const price = priceFrom(rules, sold, inputs);
        const missing = FACTORS.filter((factor) => inputs[INPUT_OF[factor]] === null);
        expect(price.missing).toEqual(missing);
        for (const factor of FACTORS) {
          expect(price.values[factor] === null).toBe(missing.includes(factor));
          if (missing.includes(factor)) expect(price.factors[factor]).toBe(0);
        }
      }),
    );
  });

  it("moves each factor by its own input alone", () => {
    fc.assert(
      fc.property(soundRules(), fullInputs, ({ rules, sold }, inputs) => {
        const all = priceFrom(rules, sold, inputs).factors;
        for (const factor of FACTORS) {
          const without = priceFrom(rules, sold, { ...inputs, [INPUT_OF[factor]]: null }).factors;
          expect(without).toEqual({ ...all, [factor]: 0 });
        }
      }),
    );
  });

  const positive = soundRules(0);

  it("never falls when the demand score rises, with a positive weight", () => {
    const scores = fc.tuple(...[0, 1].map(() => fc.double({ min: 0, max: 1, noNaN: true })));
    fc.assert(
      fc.property(positive, priceInputs, scores, ({ rules, sold }, inputs, [a = 0, b = 0]) => {
        const at = (demandScore: number) => priceFrom(rules, sold, { ...inputs, demandScore });
        expect(at(Math.min(a, b)).priceMinor).toBeLessThanOrEqual(at(Math.max(a, b)).priceMinor);
      }),
      { numRuns: 500 },
    );
  });

  it("never falls when drivers get fewer or bookings more, with a positive weight", () => {
    const count = fc.nat({ max: 3_000 });
    fc.assert(
      fc.property(positive, priceInputs, count, count, count, (drawn, inputs, some, more, less) => {
        const { rules, sold } = drawn;
        const at = (availableSupply: number, recentDemand: number) =>
          priceFrom(rules, sold, { ...inputs, availableSupply, recentDemand }).priceMinor;
        expect(at(some + more, less)).toBeLessThanOrEqual(at(some, less));
        expect(at(some, less)).toBeLessThanOrEqual(at(some, less + more));
      }),
      { numRuns: 500 },
    );
  });

  it("never falls when weather or events get worse, with positive weights", () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(positive, fullInputs, share, ({ rules, sold }, inputs, worse) => {
        const before = priceFrom(rules, sold, inputs).priceMinor;
        for (const input of ["weatherSeverity", "eventScore"] as const) {
          const value = Math.max(worse, inputs[input] ?? 0);
          const after = priceFrom(rules, sold, { ...inputs, [input]: value }).priceMinor;
          expect(after).toBeGreaterThanOrEqual(before);
        }
      }),
    );
  });

  it("really moves with demand and with scarcity", () => {
    const rules = ruleSet({
      demand: { weight: 1, neutral: 0.5, steepness: 6, threshold: 0.5 },
      supply: { weight: 1, neutral: 0.5 },
    });
    const at = (inputs: Partial<PriceInputs>) =>
      priceFrom(rules, product(1_000), { ...NOTHING_KNOWN, ...inputs }).priceMinor;
    expect(at({ demandScore: 0.6 })).toBeGreaterThan(at({ demandScore: 0.5 }));
    expect(at({ availableSupply: 3, recentDemand: 9 })).toBe(1_250);
    expect(at({ availableSupply: 9, recentDemand: 9 })).toBe(1_000);
    expect(at({ availableSupply: 27, recentDemand: 9 })).toBe(750);
  });

  describe.each([
    { name: "no demand score", inputs: {}, values: { demand: null } },
    { name: "a score at the threshold", inputs: { demandScore: 0.5 }, values: { demand: 0.5 } },
    { name: "a driver for each booking", supply: [7, 7], values: { supply: 0.5 } },
    { name: "no driver left", supply: [0, 7], values: { supply: 1 } },
    { name: "no booking, which counts as one", supply: [3, 0], values: { supply: 0.25 } },
    { name: "the worst weather", inputs: { weatherSeverity: 1 }, values: { weather: 1.5 } },
    { name: "fair weather", inputs: { weatherSeverity: 0 }, values: { weather: 1 } },
    { name: "the largest event", inputs: { eventScore: 1 }, values: { events: 1.5 } },
    { name: "an hour of the table", inputs: { localHour: 8 }, values: { time_of_day: 8 } },
    {
      name: "midnight, which is not nothing",
      inputs: { localHour: 0 },
      values: { time_of_day: 0 },
    },
  ])("with $name", ({ inputs = {}, supply, values }) => {
    it("has the factor values of the formula", () => {
      const rules = ruleSet({
        demand: { weight: 1, neutral: 0, steepness: 6, threshold: 0.5 },
        timeOfDay: {
          weight: 1,
          neutral: 0,
          multiplierByHour: Array.from({ length: 24 }, (_, h) => h),
        },
      });
      const [availableSupply = null, recentDemand = 0] = supply ?? [];
      const all = { ...NOTHING_KNOWN, availableSupply, recentDemand, ...inputs };
      expect(priceFrom(rules, product(1_000), all).values).toMatchObject(values);
    });
  });

  it("rounds into the bounds where the nearest price on the grid lies outside them", () => {
    const rules = ruleSet({ minMultiplier: 1, roundingMinor: 25 as MinorUnits });
    const up = priceFrom(rules, product(1_010), NOTHING_KNOWN);
    expect(up.priceMinor).toBe(1_025);
    expect(up.adjustments.rounding).toBeCloseTo(15 / 1_010, 12);
    const down = priceFrom(rules, product(1_000, undefined, 1_020), NOTHING_KNOWN);
    expect(down.priceMinor).toBe(1_000);
    const lifted = priceFrom(rules, product(1_000, 1_490), NOTHING_KNOWN);
    expect(lifted.priceMinor).toBe(1_500);
    expect(lifted.adjustments.constraint).toBeCloseTo(0.49, 12);
  });
});
