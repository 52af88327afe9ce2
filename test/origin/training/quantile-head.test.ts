import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  fitQuantileCurve,
  fitQuantileHead,
  pinballLoss,
} from "../../../origin/training/fit-quantile-head.ts";
import { quantileAt, quantilesOf } from "../../../origin/training/quantile-head.ts";
import { uniformAt } from "../../../origin/training/seeded-random.ts";
import { poissonCount } from "./training-samples.ts";

/** Counts of rates from 0.1 to about 40, and fresh counts of the same rates. */
function poissonSample(rows: number, seed: number) {
  const rates = new Float64Array(rows).map((_, row) => 0.1 + 40 * uniformAt(1, 0, row) ** 3);
  const targets = rates.map((rate, row) => poissonCount(rate, uniformAt(seed, 1, row)));
  return { rates, targets };
}

describe("fitQuantileHead()", () => {
  test("covers four of five fresh counts where rates are 8 or more", () => {
    const [curves = []] = fitQuantileHead([poissonSample(20_000, 2)]);
    const [p10, , p90] = curves;
    const { rates, targets } = poissonSample(20_000, 3);
    if (p10 === undefined || p90 === undefined) throw new Error("a curve is missing");
    const busy = [...rates.keys()].filter((row) => (rates[row] ?? 0) >= 8);
    const covered = busy.filter((row) => {
      const [rate = 0, target = 0] = [rates[row], targets[row]];
      return quantileAt(p10, rate) <= target && target <= quantileAt(p90, rate);
    });
    expect(covered.length / busy.length).toBeGreaterThan(0.77);
    expect(covered.length / busy.length).toBeLessThan(0.83);
  });

  test("gives a median with a smaller absolute error than the rate itself", () => {
    const sample = poissonSample(20_000, 4);
    const fresh = poissonSample(20_000, 5);
    const median = fitQuantileCurve(sample, 0.5);
    const rate = { constant: 0, root: 0, linear: 1 };
    const lossOf = (curve: typeof rate) => pinballLoss(curve, fresh.rates, fresh.targets, 0.5);
    expect(lossOf(median)).toBeLessThan(lossOf(rate));
  });

  test("finds a curve that the counts follow exactly", () => {
    const curve = { constant: -1, root: 0.5, linear: 1.2 };
    const rates = new Float64Array(2_000).map((_, row) => row / 50);
    const targets = rates.map((rate) => quantileAt(curve, rate));
    const found = fitQuantileCurve({ rates, targets }, 0.9);
    expect(pinballLoss(found, rates, targets, 0.9)).toBeLessThan(0.02);
  });

  test("answers for rates that are all the same", () => {
    const rates = new Float64Array(100).fill(2);
    const targets = rates.map((_, row) => row % 5);
    const curve = fitQuantileCurve({ rates, targets }, 0.5);
    expect(Number.isFinite(quantileAt(curve, 2))).toBe(true);
  });
});

test("quantilesOf() is never negative and never falls from one level to the next", () => {
  const coefficient = fc.double({ min: -3, max: 3, noNaN: true });
  const curve = fc.record({ constant: coefficient, root: coefficient, linear: coefficient });
  const head = fc.array(fc.array(curve, { minLength: 3, maxLength: 3 }), {
    minLength: 2,
    maxLength: 2,
  });
  fc.assert(
    fc.property(head, fc.double({ min: 0, max: 500, noNaN: true }), (curves, rate) => {
      const [a = 0, b = 0, c = 0] = quantilesOf(curves, [rate, rate]);
      expect(a).toBeGreaterThanOrEqual(0);
      expect(b).toBeGreaterThanOrEqual(a);
      expect(c).toBeGreaterThanOrEqual(b);
    }),
  );
});
