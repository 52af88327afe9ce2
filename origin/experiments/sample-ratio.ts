/**
 * Sample ratio mismatch: whether users are split as the weights say.
 *
 * They are not when assignment or exposure is broken for some of them, and then no difference means anything (Fabijan et al.,
 * "Diagnosing Sample Ratio Mismatch in Online Controlled Experiments", KDD 2019). Pearson's chi-squared test.
 */
import { chiSquaredTail } from "./distributions.ts";

/** A split that comes by chance less often than this is an alarm; so seldom, for it is looked at often. */
export const MISMATCH_ALARM = 0.001;

export interface SampleRatio {
  chiSquared: number;
  pValue: number;
  isMismatch: boolean;
}

/** Users of each variant beside the variants' weights, in the same order. */
export function sampleRatioOf(counts: readonly number[], weights: readonly number[]): SampleRatio {
  const users = sumOf(counts);
  const total = sumOf(weights);
  if (users === 0) return { chiSquared: 0, pValue: 1, isMismatch: false };
  const chiSquared = sumOf(
    counts.map((count, i) => {
      const expected = (users * (weights[i] ?? 0)) / total;
      return (count - expected) ** 2 / expected;
    }),
  );
  const pValue = chiSquaredTail(chiSquared, counts.length - 1);
  return { chiSquared, pValue, isMismatch: pValue < MISMATCH_ALARM };
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
