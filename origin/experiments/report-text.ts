/** An analysis for people and for scripts. */
import type { Analysis } from "./analyse-experiment.ts";
import type { Interval } from "./difference.ts";
import type { Comparison, Judgement } from "./report.ts";

/** Tables: the variants, then each comparison plain and with CUPED, then what to look out for. */
export function reportText(analysis: Analysis, alpha: number): string {
  const { experiment, arms, comparisons, currency, users, sampleRatio } = analysis;
  const percent = `${Math.round(100 * (1 - alpha))} %`;
  const lines = [
    `${experiment.experimentId}, ${experiment.status}, ${users} users exposed.`,
    "",
    rowOf([
      "variant",
      "users",
      "weight",
      "conversion",
      "bookings/user",
      `revenue/user ${currency}`,
    ]),
    ...arms.map(({ variant, users: count, weight, means }) =>
      rowOf([
        ...[variant, String(count), String(weight), percentText(means.conversion)],
        ...[means.bookings.toFixed(3), means.revenue.toFixed(3)],
      ]),
    ),
    "",
    rowOf([
      "beside the control",
      "metric",
      "lift",
      `${percent} at one look`,
      `${percent} at any look`,
      "p any look",
    ]),
    ...comparisons.flatMap(comparisonRows),
    "",
    mismatchText(sampleRatio),
  ];
  if (analysis.unpricedBookings > 0) {
    lines.push(
      `${analysis.unpricedBookings} bookings name neither request_id nor price, and bring no revenue.`,
    );
  }
  return lines.join("\n");
}

function comparisonRows({ variant, metric, plain, cuped }: Comparison): string[] {
  const rows = [judgementRow(variant, metric, plain)];
  if (cuped) {
    const name = `  CUPED, -${percentText(cuped.varianceReduction)} variance`;
    rows.push(judgementRow(name, "", cuped));
  }
  return rows;
}

function judgementRow(name: string, metric: string, judgement: Judgement): string {
  const { lift, liftInterval, sequentialLiftInterval, adjustedPValue } = judgement;
  return rowOf([
    ...[name, metric, lift === null ? "-" : signed(lift)],
    ...[intervalText(liftInterval), intervalText(sequentialLiftInterval)],
    adjustedPValue.toPrecision(3),
  ]);
}

function mismatchText({ pValue, isMismatch }: Analysis["sampleRatio"]): string {
  const found = `p ${pValue.toPrecision(3)}`;
  return isMismatch
    ? `SAMPLE RATIO MISMATCH (${found}): users are not split as the weights say. Trust none of this before it is known why.`
    : `Users are split as the weights say (${found}).`;
}

function percentText(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

function signed(share: number): string {
  return `${share < 0 ? "" : "+"}${percentText(share)}`;
}

function intervalText(interval: Interval | null): string {
  return interval === null ? "-" : `${signed(interval.low)} to ${signed(interval.high)}`;
}

const WIDTHS = [27, 12, 12, 24, 24, 19];

function rowOf(cells: readonly string[]): string {
  return cells
    .map((cell, i) => (i === 0 ? cell.padEnd(WIDTHS[i] ?? 0) : cell.padStart(WIDTHS[i] ?? 0)))
    .join("");
}

/** The same as JSON: snake_case, shares as fractions, money as decimals. */
export function reportJson(analysis: Analysis): unknown {
  const { experiment, users, arms, sampleRatio, comparisons, currency } = analysis;
  return {
    experiment: experiment.experimentId,
    ...{ status: experiment.status, users, currency },
    variants: arms.map(({ variant, users: count, weight, means }) => ({
      ...{ name: variant, users: count, weight, conversion: means.conversion },
      ...{ bookings_per_user: means.bookings, revenue_per_user: means.revenue },
    })),
    sample_ratio: {
      chi_squared: sampleRatio.chiSquared,
      p_value: sampleRatio.pValue,
      mismatch: sampleRatio.isMismatch,
    },
    comparisons: comparisons.map(({ metric, variant, plain, cuped }) => ({
      ...{ metric, variant },
      ...judgementJson(plain),
      cuped: cuped && { ...judgementJson(cuped), variance_reduction: cuped.varianceReduction },
    })),
    unpriced_bookings: analysis.unpricedBookings,
  };
}

function judgementJson(judgement: Judgement) {
  return {
    control_mean: judgement.control,
    mean: judgement.treatment,
    difference: judgement.difference,
    difference_interval: judgement.differenceInterval,
    lift: judgement.lift,
    lift_interval: judgement.liftInterval,
    sequential_lift_interval: judgement.sequentialLiftInterval,
    p_value: judgement.pValue,
    sequential_p_value: judgement.sequentialPValue,
    adjusted_p_value: judgement.adjustedPValue,
  };
}
