/** What an experiment did, from what its users did: a pure function of their moments. */
import { type Adjusted, cupedAdjusted } from "./cuped.ts";
import {
  differenceOfMeans,
  type Estimate,
  type Interval,
  intervalOf,
  pValueOf,
  relativeLift,
} from "./difference.ts";
import type { Moments, PairedMoments } from "./moments.ts";
import { type SampleRatio, sampleRatioOf } from "./sample-ratio.ts";
import { type SequentialOptions, sequentialInterval, sequentialPValue } from "./sequential.ts";
import { benjaminiHochbergAdjusted, holmAdjusted } from "./several-tests.ts";

export const METRICS = ["conversion", "bookings", "revenue"] as const;
/** Of a user after exposure: booked at all (0 or 1), units booked, and what was paid for them. */
export type Metric = (typeof METRICS)[number];

/** A variant with what its users did. */
export interface Arm {
  variant: string;
  weight: number;
  users: number;
  outcomes: Record<Metric, PairedMoments>;
}

export interface ReportOptions extends SequentialOptions {
  metrics: readonly Metric[];
  correction: keyof typeof CORRECTIONS;
}

export const CORRECTIONS = { holm: holmAdjusted, bh: benjaminiHochbergAdjusted } as const;

/** Treatment beside control, with and without what the time before explains. */
export interface Judgement {
  /** Means by user. */
  control: number;
  treatment: number;
  difference: number;
  differenceInterval: Interval;
  /** Relative to the control; null where the control's mean is not clear of 0. */
  lift: number | null;
  liftInterval: Interval | null;
  /** Of the lift: holds at all times at once. */
  sequentialLiftInterval: Interval | null;
  /** For one look, at a planned end. */
  pValue: number;
  /** May be looked at, and acted on, at any time. */
  sequentialPValue: number;
  /** The same, for as many variants as there are. */
  adjustedPValue: number;
}

export interface Comparison {
  metric: Metric;
  variant: string;
  plain: Judgement;
  /** Null where nobody did anything before. */
  cuped: (Judgement & { varianceReduction: number }) | null;
}

export interface ExperimentReport {
  users: number;
  arms: { variant: string; weight: number; users: number; means: Record<Metric, number> }[];
  sampleRatio: SampleRatio;
  /** None while there are fewer than two users on a side. */
  comparisons: Comparison[];
}

/** The first arm is the control. `tunedFor` and `alpha` are to be chosen before the experiment. */
export function experimentReport(arms: readonly Arm[], options: ReportOptions): ExperimentReport {
  const [control, ...others] = arms;
  return {
    users: arms.reduce((sum, { users }) => sum + users, 0),
    arms: arms.map(({ variant, weight, users, outcomes }) => ({
      ...{ variant, weight, users },
      means: {
        conversion: outcomes.conversion.outcome.mean,
        bookings: outcomes.bookings.outcome.mean,
        revenue: outcomes.revenue.outcome.mean,
      },
    })),
    sampleRatio: sampleRatioOf(
      arms.map(({ users }) => users),
      arms.map(({ weight }) => weight),
    ),
    comparisons: control
      ? options.metrics.flatMap((metric) => comparisonsOf(metric, control, others, options))
      : [],
  };
}

function comparisonsOf(
  metric: Metric,
  control: Arm,
  others: readonly Arm[],
  options: ReportOptions,
): Comparison[] {
  const compared = others.flatMap(({ variant, outcomes }): Comparison[] => {
    const [left, right] = [control.outcomes[metric], outcomes[metric]];
    const plain = judgementOf(left.outcome, right.outcome, options);
    if (!plain) return [];
    return [
      { metric, variant, plain, cuped: adjustedJudgement(cupedAdjusted(left, right), options) },
    ];
  });
  const adjust = CORRECTIONS[options.correction];
  const plain = adjust(compared.map((one) => one.plain.sequentialPValue));
  // Without a time before, CUPED changes nothing, so the plain p-value stands in its place.
  const cuped = adjust(compared.map((one) => (one.cuped ?? one.plain).sequentialPValue));
  return compared.map((one, i) => ({
    ...one,
    plain: { ...one.plain, adjustedPValue: plain[i] ?? 1 },
    cuped: one.cuped && { ...one.cuped, adjustedPValue: cuped[i] ?? 1 },
  }));
}

function adjustedJudgement(adjusted: Adjusted | null, options: ReportOptions): Comparison["cuped"] {
  const judgement = adjusted && judgementOf(adjusted.control, adjusted.treatment, options);
  return judgement && { ...judgement, varianceReduction: adjusted.varianceReduction };
}

/** Null of fewer than two users on a side. */
function judgementOf(
  control: Moments,
  treatment: Moments,
  options: ReportOptions,
): Judgement | null {
  const difference = differenceOfMeans(control, treatment);
  if (!difference) return null;
  const lift = relativeLift(control, treatment);
  const users = control.count + treatment.count;
  const at = (estimate: Estimate) => sequentialInterval(estimate, users, options);
  const anytime = sequentialPValue(difference, users, options);
  return {
    control: control.mean,
    treatment: treatment.mean,
    difference: difference.value,
    differenceInterval: intervalOf(difference, options.alpha),
    lift: lift?.value ?? null,
    liftInterval: lift && intervalOf(lift, options.alpha),
    sequentialLiftInterval: lift && at(lift),
    pValue: pValueOf(difference),
    sequentialPValue: anytime,
    adjustedPValue: anytime,
  };
}
