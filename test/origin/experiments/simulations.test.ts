/** What the methods promise, tried on experiments whose truth is known. */
import { describe, expect, it } from "vitest";
import { cupedAdjusted } from "../../../origin/experiments/cuped.ts";
import {
  differenceOfMeans,
  intervalOf,
  pValueOf,
  relativeLift,
} from "../../../origin/experiments/difference.ts";
import { normalQuantile } from "../../../origin/experiments/distributions.ts";
import { MomentSums } from "../../../origin/experiments/moments.ts";
import { sampleRatioOf } from "../../../origin/experiments/sample-ratio.ts";
import { sequentialInterval, sequentialPValue } from "../../../origin/experiments/sequential.ts";
import { uniformAt } from "../../../origin/training/seeded-random.ts";

const ALPHA = 0.05;
const OPTIONS = { alpha: ALPHA, tunedFor: 5_000 };
/** A share of so many experiments that is `p` is seen this far from it once in 700 times. */
const slack = (p: number, experiments: number) => 3.2 * Math.sqrt((p * (1 - p)) / experiments);

type Draw = () => number;
const uniform = (seed: number): Draw => {
  let drawn = 0;
  return () => uniformAt(seed, 0, drawn++);
};
/** Nobody books most days, some do, few spend much: as skewed as revenue is. */
const revenueOf = (draw: Draw): number => (draw() < 0.2 ? -12 * Math.log(1 - draw()) : 0);

/** Peeks after every user from the hundredth of each side on; whether it ever saw an effect, by both kinds of p-value. */
function everSignificant(users: number, control: Draw, treatment: Draw) {
  const [one, other] = [new MomentSums(), new MomentSums()];
  let sequential = false;
  let fixed = false;
  for (let n = 1; n <= users && !(sequential && fixed); n++) {
    one.add(control());
    other.add(treatment());
    if (n < 100) continue;
    const difference = differenceOfMeans(one.moments().outcome, other.moments().outcome);
    if (!difference) continue;
    sequential ||= sequentialPValue(difference, 2 * n, OPTIONS) < ALPHA;
    // Student's p-value costs more, and 1.96 standard errors are 0.05 of so many.
    fixed ||= Math.abs(difference.value) > 1.96 * difference.standardError;
  }
  return { sequential, fixed };
}

describe("sequentialPValue()", () => {
  it("is below 0.05 at some time in at most 5 % of experiments without an effect, however often one looks", () => {
    const experiments = 600;
    const draw = uniform(1);
    let [sequential, fixed] = [0, 0];
    for (let i = 0; i < experiments; i++) {
      const seen = everSignificant(
        4_000,
        () => revenueOf(draw),
        () => revenueOf(draw),
      );
      sequential += Number(seen.sequential);
      fixed += Number(seen.fixed);
    }
    expect(sequential / experiments).toBeLessThanOrEqual(ALPHA + slack(ALPHA, experiments));
    // The same looks with a test that may be looked at once: this is what is guarded against.
    expect(fixed / experiments).toBeGreaterThan(0.2);
  });

  it("finds an effect that is there", () => {
    const draw = uniform(2);
    const isMore = () => (draw() < 0.24 ? 1 : 0);
    const isLess = () => (draw() < 0.2 ? 1 : 0);
    let found = 0;
    for (let i = 0; i < 100; i++)
      found += Number(everSignificant(6_000, isLess, isMore).sequential);
    expect(found).toBeGreaterThan(90);
  });

  it("is below alpha exactly when the interval leaves out 0", () => {
    const draw = uniform(3);
    for (let i = 0; i < 1_000; i++) {
      const estimate = { value: 4 * draw() - 2, standardError: draw(), degreesOfFreedom: 1_000 };
      const users = Math.ceil(10_000 * draw());
      const { low, high } = sequentialInterval(estimate, users, OPTIONS);
      const p = sequentialPValue(estimate, users, OPTIONS);
      if (Math.abs(p - ALPHA) > 1e-9) expect(p < ALPHA).toBe(low > 0 || high < 0);
    }
  });
});

describe("intervals", () => {
  it("hold the true difference and the true lift in 95 % of experiments", () => {
    const experiments = 1_500;
    const draw = uniform(4);
    let [differences, lifts] = [0, 0];
    // 0.2 x 12 is 2.4 on average; the treatment's is 10 % more.
    for (let i = 0; i < experiments; i++) {
      const [one, other] = [new MomentSums(), new MomentSums()];
      for (let n = 0; n < 1_000; n++) {
        one.add(revenueOf(draw));
        other.add(1.1 * revenueOf(draw));
      }
      const [control, treatment] = [one.moments().outcome, other.moments().outcome];
      const difference = differenceOfMeans(control, treatment);
      const lift = relativeLift(control, treatment);
      if (!difference || !lift) throw new Error("no estimate");
      const around = intervalOf(difference, ALPHA);
      const aroundLift = intervalOf(lift, ALPHA);
      if (around.low <= 0.24 && 0.24 <= around.high) differences += 1;
      if (aroundLift.low <= 0.1 && 0.1 <= aroundLift.high) lifts += 1;
    }
    const allowed = slack(ALPHA, experiments);
    expect(Math.abs(differences / experiments - 0.95)).toBeLessThan(allowed);
    expect(Math.abs(lifts / experiments - 0.95)).toBeLessThan(allowed);
  });
});

describe("cupedAdjusted()", () => {
  it.each([0, 0.3, 0.7, 0.9])(
    "leaves 1 - rho^2 of the variance, and the effect where it is, at rho %f",
    (rho) => {
      const draw = uniform(5);
      const normal = () => normalQuantile(Math.max(1e-12, draw()));
      const [plain, adjusted] = [new MomentSums(), new MomentSums()];
      let [reductions, alarms] = [0, 0];
      const experiments = 600;
      for (let i = 0; i < experiments; i++) {
        const groupWith = (effect: number) => {
          const sums = new MomentSums();
          for (let n = 0; n < 200; n++) {
            const before = normal();
            sums.add(10 + rho * before + Math.sqrt(1 - rho ** 2) * normal() + effect, 5 + before);
          }
          return sums.moments();
        };
        const [control, treatment] = [groupWith(0), groupWith(0.1)];
        const cuped = cupedAdjusted(control, treatment);
        const difference = differenceOfMeans(control.outcome, treatment.outcome);
        const better = cuped && differenceOfMeans(cuped.control, cuped.treatment);
        if (!difference || !better) throw new Error("no estimate");
        plain.add(difference.value);
        adjusted.add(better.value);
        reductions += cuped.varianceReduction / experiments;
        alarms += Number(pValueOf({ ...better, value: better.value - 0.1 }) < ALPHA);
      }
      const kept = adjusted.moments().outcome.variance / plain.moments().outcome.variance;
      expect(reductions).toBeCloseTo(rho ** 2, 1);
      // An estimate of a variance from 600 values is good to some 6 %, and the two are drawn together.
      expect(Math.abs(kept - (1 - rho ** 2))).toBeLessThan(0.12 * (1 - rho ** 2) + 0.01);
      expect(Math.abs(adjusted.moments().outcome.mean - 0.1)).toBeLessThan(
        4 * Math.sqrt(adjusted.moments().outcome.variance / experiments),
      );
      expect(alarms / experiments).toBeLessThanOrEqual(ALPHA + slack(ALPHA, experiments));
    },
  );
});

describe("sampleRatioOf()", () => {
  it("alarms in hardly any experiment whose split is right, and in those where 10 % of a side are lost", () => {
    const draw = uniform(6);
    const alarms = (kept: number) => {
      let count = 0;
      for (let i = 0; i < 200; i++) {
        const users = [0, 0];
        for (let n = 0; n < 20_000; n++) {
          const side = draw() < 0.5 ? 0 : 1;
          if (side === 0 || draw() < kept) users[side] = (users[side] ?? 0) + 1;
        }
        count += Number(sampleRatioOf(users, [1, 1]).isMismatch);
      }
      return count;
    };
    expect(alarms(1)).toBeLessThanOrEqual(3);
    expect(alarms(0.9)).toBeGreaterThan(190);
  });
});
