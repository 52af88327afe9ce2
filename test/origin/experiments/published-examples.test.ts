/** What others have published as the right answer, as facts: named with each. */
import { describe, expect, it } from "vitest";
import { cupedAdjusted } from "../../../origin/experiments/cuped.ts";
import {
  differenceOfMeans,
  type Estimate,
  intervalOf,
  pValueOf,
  relativeLift,
} from "../../../origin/experiments/difference.ts";
import {
  chiSquaredTail,
  normalCdf,
  normalQuantile,
  normalTails,
  studentCritical,
  studentTails,
} from "../../../origin/experiments/distributions.ts";
import {
  MomentSums,
  type Moments,
  proportionMoments,
} from "../../../origin/experiments/moments.ts";
import { sampleRatioOf } from "../../../origin/experiments/sample-ratio.ts";
import { sequentialInterval, sequentialPValue } from "../../../origin/experiments/sequential.ts";
import {
  benjaminiHochbergAdjusted,
  holmAdjusted,
} from "../../../origin/experiments/several-tests.ts";

/** Moments as a warehouse gives them. */
function momentsOf(sum: number, sumOfSquares: number, count: number): Moments {
  return { count, mean: sum / count, variance: (sumOfSquares - sum ** 2 / count) / (count - 1) };
}

function found(estimate: Estimate | null): Estimate {
  if (!estimate) throw new Error("no estimate");
  return estimate;
}

describe("distributions", () => {
  it("have the values of the tables (NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7)", () => {
    expect(normalCdf(1)).toBeCloseTo(0.84134, 5);
    expect(normalCdf(-1.96)).toBeCloseTo(0.025, 4);
    expect(normalQuantile(0.975)).toBeCloseTo(1.959964, 6);
    expect(normalQuantile(0.0005)).toBeCloseTo(-3.290527, 6);
    expect(normalTails(-2.575829)).toBeCloseTo(0.01, 7);
    for (const [df, critical] of [
      [1, 12.706],
      [2, 4.303],
      [5, 2.571],
      [10, 2.228],
      [30, 2.042],
      [100, 1.984],
    ] as const) {
      expect(studentCritical(0.05, df)).toBeCloseTo(critical, 3);
      expect(studentTails(critical, df)).toBeCloseTo(0.05, 4);
      expect(studentTails(-critical, df)).toBeCloseTo(0.05, 4);
    }
    for (const [df, critical] of [
      [1, 3.841],
      [2, 5.991],
      [5, 11.07],
      [10, 18.307],
      [100, 124.342],
    ] as const) {
      expect(chiSquaredTail(critical, df)).toBeCloseTo(0.05, 4);
    }
    expect(chiSquaredTail(10.828, 1)).toBeCloseTo(0.001, 5);
  });

  it("keep their digits far out, where 1 less the distribution has none left", () => {
    expect(normalTails(10) / 1.523970604832105e-23).toBeCloseTo(1, 10);
    expect(chiSquaredTail(100, 1) / 1.523970604832105e-23).toBeCloseTo(1, 10);
  });
});

describe("differenceOfMeans() and relativeLift()", () => {
  // growthbook/growthbook, packages/stats/tests/frequentist/test_tests.py
  const control = momentsOf(1396.87, 52377.9767, 3407);
  const treatment = momentsOf(2422.7, 134698.29, 3461);

  it("agree with GrowthBook on a difference of means", () => {
    const difference = found(differenceOfMeans(control, treatment));
    expect(difference.value).toBeCloseTo(0.29, 5);
    expect(difference.standardError).toBeCloseTo(0.12478, 5);
    const { low, high } = intervalOf(difference, 0.05);
    expect(low).toBeCloseTo(0.04538, 5);
    expect(high).toBeCloseTo(0.53462, 5);
    expect(pValueOf(difference)).toBeCloseTo(0.02016, 5);
  });

  it("agree with GrowthBook on a relative lift", () => {
    const lift = found(relativeLift(control, treatment));
    expect(lift.value).toBeCloseTo(0.70732, 5);
    expect(lift.standardError).toBeCloseTo(0.37879, 5);
    const { low, high } = intervalOf(lift, 0.05);
    expect(low).toBeCloseTo(-0.03526, 3);
    expect(high).toBeCloseTo(1.44989, 3);
    expect(pValueOf(lift)).toBeCloseTo(0.06191, 3);
  });

  it("agree with GrowthBook on proportions", () => {
    const lift = found(relativeLift(proportionMoments(14, 28), proportionMoments(16, 30)));
    expect(lift.value).toBeCloseTo(0.06667, 5);
    expect(lift.standardError).toBeCloseTo(0.2717, 4);
  });

  it("have Welch's degrees of freedom: 25 of the NIST's 249 and 79 cars are 5 miles a gallon apart", () => {
    // NIST/SEMATECH e-Handbook, 1.3.5.3, AUTO83B.DAT: t = -12.94627, 136.8750 degrees of freedom.
    const american = { count: 249, mean: 20.14458, variance: 6.4147 ** 2 };
    const japanese = { count: 79, mean: 30.48101, variance: 6.10771 ** 2 };
    const difference = found(differenceOfMeans(japanese, american));
    expect(difference.value / difference.standardError).toBeCloseTo(-12.94627, 3);
    expect(difference.degreesOfFreedom).toBeCloseTo(136.875, 1);
  });
});

describe("sequentialInterval()", () => {
  // growthbook/growthbook, packages/stats/tests/frequentist/test_tests.py, TestSequentialTTest
  it("agrees with GrowthBook on means", () => {
    const control = momentsOf(1396.87, 52377.9767, 3000);
    const treatment = momentsOf(2422.7, 134698.29, 3461);
    const lift = found(relativeLift(control, treatment));
    const options = { alpha: 0.05, tunedFor: 1_000 };
    const { low, high } = sequentialInterval(lift, 6461, options);
    expect(low).toBeCloseTo(-0.55844, 5);
    expect(high).toBeCloseTo(1.56516, 5);
    expect(sequentialPValue(lift, 6461, options)).toBe(1);
  });

  it("agrees with GrowthBook on proportions", () => {
    const [control, treatment] = [proportionMoments(1396, 3000), proportionMoments(2422, 3461)];
    const lift = found(relativeLift(control, treatment));
    const options = { alpha: 0.05, tunedFor: 5_000 };
    const { low, high } = sequentialInterval(lift, 6461, options);
    expect(lift.value).toBeCloseTo(0.50386, 5);
    expect(low).toBeCloseTo(0.40098, 4);
    expect(high).toBeCloseTo(0.60675, 4);
    expect(sequentialPValue(lift, 6461, options)).toBeLessThan(1e-30);
  });
});

describe("sampleRatioOf()", () => {
  it("is the chi-squared of 821,588 and 815,482 users meant to be half and half", () => {
    // Kohavi, Tang and Xu, Trustworthy Online Controlled Experiments (2020), chapter 3: p is 1.8e-6.
    const { pValue, isMismatch } = sampleRatioOf([821_588, 815_482], [1, 1]);
    expect(pValue / 1.8e-6).toBeCloseTo(1, 1);
    expect(isMismatch).toBe(true);
  });

  it("is the chi-squared of Mendel's peas: 0.47 of 315, 101, 108 and 32 by 9, 3, 3 and 1", () => {
    const { chiSquared, pValue, isMismatch } = sampleRatioOf([315, 101, 108, 32], [9, 3, 3, 1]);
    expect(chiSquared).toBeCloseTo(0.47, 2);
    expect(pValue).toBeCloseTo(0.925, 3);
    expect(isMismatch).toBe(false);
  });
});

describe("adjusted p-values", () => {
  it("are those of Benjamini and Hochberg (1995): four of fifteen, where Bonferroni finds three", () => {
    // Their section 3.2: thrombolysis with rt-PA and APSAC.
    const pValues = [
      ...[0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344],
      ...[0.0459, 0.324, 0.4262, 0.5719, 0.6528, 0.759, 1.0],
    ];
    const below = (adjusted: readonly number[]) => adjusted.filter((p) => p <= 0.05).length;
    expect(below(benjaminiHochbergAdjusted(pValues))).toBe(4);
    expect(below(holmAdjusted(pValues))).toBe(3);
  });

  it("are R's p.adjust() of 0.01, 0.02, 0.03, 0.04, 0.05, in any order", () => {
    const holm = [0.05, 0.08, 0.09, 0.09, 0.09];
    holmAdjusted([0.01, 0.02, 0.03, 0.04, 0.05]).forEach((p, i) => {
      expect(p).toBeCloseTo(holm[i] ?? Number.NaN, 12);
    });
    for (const p of benjaminiHochbergAdjusted([0.05, 0.01, 0.04, 0.02, 0.03])) {
      expect(p).toBeCloseTo(0.05, 12);
    }
  });
});

describe("cupedAdjusted()", () => {
  it("takes out what the before explains, worked by hand", () => {
    // Outcome = 2 before + {0, 1}: theta is 2, and what is left is the {0, 1}.
    const groupOf = (rows: [before: number, outcome: number][]) => {
      const sums = new MomentSums();
      for (const [before, outcome] of rows) sums.add(outcome, before);
      return sums.moments();
    };
    const control = groupOf([
      [1, 2],
      [3, 6],
      [1, 3],
      [3, 7],
    ]);
    const treatment = groupOf([
      [5, 11],
      [7, 15],
      [5, 12],
      [7, 16],
    ]);
    const adjusted = cupedAdjusted(control, treatment);
    expect(adjusted?.theta).toBeCloseTo(2, 12);
    // Before is 4 on average: control 4.5 - 2 (2 - 4), treatment 13.5 - 2 (6 - 4).
    expect(adjusted?.control.mean).toBeCloseTo(8.5, 12);
    expect(adjusted?.treatment.mean).toBeCloseTo(9.5, 12);
    expect(adjusted?.control.variance).toBeCloseTo(1 / 3, 12);
    expect(adjusted?.varianceReduction).toBeCloseTo(1 - 1 / 3 / (17 / 3), 12);
  });
});
