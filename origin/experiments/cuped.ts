/**
 * CUPED: the part of an outcome that the time before explains is taken out (Deng, Xu, Kohavi and Walker, "Improving the
 * Sensitivity of Online Controlled Experiments by Utilizing Pre-Experiment Data", WSDM 2013).
 *
 * With theta = cov(outcome, before) / var(before), outcome - theta (before - mean before) has the same expectation, since the
 * time before cannot know of the experiment, and 1 - rho^2 of the variance.
 */
import type { Moments, PairedMoments } from "./moments.ts";
import { pooled } from "./moments.ts";

export interface Adjusted {
  control: Moments;
  treatment: Moments;
  theta: number;
  /** Share of the variance that is gone: the square of the correlation, over both groups. */
  varianceReduction: number;
}

/** Both groups adjusted by one theta. Null where nobody was measured before, for then there is nothing to take out. */
export function cupedAdjusted(control: PairedMoments, treatment: PairedMoments): Adjusted | null {
  const all = pooled(control, treatment);
  if (all.before.variance === 0 || all.outcome.variance === 0) return null;
  // Within the groups: what the experiment did must not be taken for what the time before explains.
  const theta =
    within(control, treatment, ({ covariance }) => covariance) /
    within(control, treatment, ({ before }) => before.variance);
  const adjusted = (one: PairedMoments): Moments => ({
    count: one.outcome.count,
    mean: one.outcome.mean - theta * (one.before.mean - all.before.mean),
    variance: Math.max(
      0,
      one.outcome.variance + theta ** 2 * one.before.variance - 2 * theta * one.covariance,
    ),
  });
  const [left, right] = [adjusted(control), adjusted(treatment)];
  const plain = within(control, treatment, ({ outcome }) => outcome.variance);
  const kept = weighed(left.count, left.variance, right.count, right.variance);
  return {
    control: left,
    treatment: right,
    theta,
    varianceReduction: plain === 0 ? 0 : 1 - kept / plain,
  };
}

function within(
  one: PairedMoments,
  other: PairedMoments,
  of: (moments: PairedMoments) => number,
): number {
  return weighed(one.outcome.count, of(one), other.outcome.count, of(other));
}

function weighed(n: number, ofOne: number, m: number, ofOther: number): number {
  return (ofOne * (n - 1) + ofOther * (m - 1)) / Math.max(1, n + m - 2);
}
