/** What holds of every price, whatever the rules and whatever is known. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FACTORS, priceFrom } from "../../domain/price.ts";
import type { PriceInputs } from "../../domain/price-inputs.ts";
import { faultsOf } from "../../domain/rule-faults.ts";
import { spanOfMinute, type ToldPrice, toldAfter } from "../../domain/told-prices.ts";
import type { EpochMs } from "../../domain/units.ts";
import {
  anySettings,
  documentWith,
  fullInputs,
  planIn,
  priceInputs,
  soundDocuments,
} from "../support/pricing-samples.ts";

/** PROPERTY_RUNS=100000 takes two minutes of a core. */
const RUNS = Number(process.env.PROPERTY_RUNS ?? 10_000);
const T0 = Date.UTC(2026, 0, 5, 12);
const HAIR = 1e-6;
const sum = (numbers: Record<string, number>) =>
  Object.values(numbers).reduce((total, number) => total + number, 0);

describe("every price", () => {
  const ticks = fc.array(fc.record({ inputs: priceInputs, afterMs: fc.nat({ max: 90_000 }) }), {
    minLength: 1,
    maxLength: 4,
  });

  it("stays in its bounds and on its grid, adds up to 1e-9, comes out the same again, and keeps its step from each tick to the next", () => {
    fc.assert(
      fc.property(soundDocuments(), ticks, (document, sequence) => {
        const plan = planIn(document);
        let told: readonly ToldPrice[] = [];
        let now = T0;
        for (const { inputs, afterMs } of sequence) {
          now += afterMs;
          const asOf = now as EpochMs;
          const limits = { told, asOf, measures: null };
          const price = priceFrom(plan, inputs, limits);
          const { priceMinor, marketMinor, factors, adjustments, surgeMultiplier } = price;

          for (const minor of [priceMinor, marketMinor]) {
            const steps = minor / plan.gridMinor;
            if (Math.abs(steps - Math.round(steps)) > HAIR)
              throw new Error(`off the grid: ${minor}`);
            const isBelow = minor < plan.lowMultiplier * plan.baseMinor - HAIR;
            const isAbove = minor > plan.highMultiplier * plan.baseMinor + HAIR;
            if (isBelow || isAbove) throw new Error(`out of bounds: ${minor}`);
          }
          const explained = 1 + sum(factors) + sum(adjustments);
          if (Math.abs(explained - surgeMultiplier) > 1e-9) throw new Error("does not add up");
          if (Math.abs(surgeMultiplier * plan.baseMinor - priceMinor) > HAIR) {
            throw new Error("the multiplier is not the price over the base price");
          }
          const again = priceFrom(plan, structuredClone(inputs), structuredClone(limits));
          expect(JSON.stringify(again)).toBe(JSON.stringify(price));

          const next = toldAfter(
            told,
            { at: asOf, priceMinor: marketMinor },
            plan.maxStepMinor !== null,
          );
          const span = spanOfMinute(next, asOf);
          if (plan.maxStepMinor !== null && span) {
            const moved = span.highest - span.lowest;
            if (moved > plan.maxStepMinor + HAIR) throw new Error(`moved by ${moved} in a minute`);
          }
          told = next;
        }
      }),
      { numRuns: RUNS },
    );
  }, 600_000);

  it("never falls when demand or scarcity rises, nor when weather or events get worse, with positive weights", () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    const count = fc.nat({ max: 3_000 });
    const more = fc.record({ demand: share, bookings: count, drivers: count, worse: share });
    const worseOf = (
      inputs: PriceInputs,
      { demand, bookings, drivers, worse }: typeof more extends fc.Arbitrary<infer M> ? M : never,
    ): PriceInputs[] => [
      { ...inputs, demandScore: Math.max(demand, inputs.demandScore ?? 0) },
      { ...inputs, recentDemand: inputs.recentDemand + bookings },
      { ...inputs, availableSupply: Math.max(0, (inputs.availableSupply ?? 0) - drivers) },
      { ...inputs, weatherSeverity: Math.max(worse, inputs.weatherSeverity ?? 0) },
      { ...inputs, eventScore: Math.max(worse, inputs.eventScore ?? 0) },
    ];
    fc.assert(
      fc.property(soundDocuments(0), fullInputs, more, (document, inputs, by) => {
        const plan = planIn(document);
        const before = priceFrom(plan, inputs).priceMinor;
        for (const worse of worseOf(inputs, by)) {
          const after = priceFrom(plan, worse).priceMinor;
          if (after < before) throw new Error(`fell from ${before} to ${after}`);
        }
      }),
      { numRuns: RUNS },
    );
  }, 600_000);

  it("counts a missing input as nothing, and names it", () => {
    fc.assert(
      fc.property(soundDocuments(), priceInputs, (document, inputs) => {
        const price = priceFrom(planIn(document), inputs);
        const INPUT_OF = {
          demand: inputs.demandScore,
          supply: inputs.availableSupply,
          time_of_day: inputs.localHour,
          weather: inputs.weatherSeverity,
          events: inputs.eventScore,
        };
        for (const factor of FACTORS) {
          const isMissing = INPUT_OF[factor] === null;
          expect(price.missing.includes(factor)).toBe(isMissing);
          expect(price.values[factor] === null).toBe(isMissing);
          if (isMissing) expect(price.factors[factor]).toBe(0);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("faultsOf()", () => {
  it("refuses rules exactly when their bounds hold no price on the grid, or a step is too small for it", () => {
    fc.assert(
      fc.property(anySettings(), (all) => {
        const { minMultiplier = 0, maxMultiplier = 0, rounding = 1, products } = all;
        const {
          basePrice = 0,
          floorPrice = 0,
          ceilingPrice = Number.POSITIVE_INFINITY,
        } = products?.ride ?? {};
        const lowest = Math.max(basePrice * minMultiplier, floorPrice);
        const highest = Math.min(basePrice * maxMultiplier, ceilingPrice);
        // Bounds that touch the grid are the business of cases of their own.
        const offGrid = (bound: number) =>
          Math.abs(bound - Math.round(bound / rounding) * rounding) > 1e-6;
        fc.pre([lowest, highest].every((bound) => bound === 0 || offGrid(bound)));
        const [first, last] = [Math.ceil(lowest / rounding), Math.floor(highest / rounding)];
        const step = all.maxStepPerMinute ?? Number.POSITIVE_INFINITY;
        const isStuck = step * basePrice < rounding && first < last;
        const expected =
          minMultiplier > maxMultiplier
            ? ["bounds_reversed"]
            : first > last
              ? ["no_price_within_bounds"]
              : isStuck
                ? ["step_below_grid"]
                : [];
        expect(faultsOf(documentWith(all)).map(({ reason }) => reason)).toEqual(expected);
      }),
      { numRuns: 2_000 },
    );
  });
});
