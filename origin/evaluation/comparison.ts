import type { BookingHistory } from "../../domain/history.ts";
import { lastWeek, meanOfWeeks } from "./baselines.ts";
import { createErrorTally, type ErrorMetrics, type Forecasted } from "./error-metrics.ts";

/** The model beside what costs nothing to know. */
export interface Comparison {
  readonly model: ErrorMetrics;
  /** The same stretch of time a week before. */
  readonly seasonal_naive: ErrorMetrics;
  /** The mean of the same stretch over the four weeks before. */
  readonly four_week_mean: ErrorMetrics;
}

/** A stretch of one region's time, [fromAt, toAt), that was forecast. */
export interface JudgedStretch {
  readonly bookings: BookingHistory;
  readonly fromAt: number;
  readonly toAt: number;
}

export interface ComparisonTally {
  /**
   * Counts a forecast, and what the baselines say of the same stretch; all or none, so that all are judged on the
   * same.
   */
  add(stretch: JudgedStretch, forecast: Forecasted, scale: number): void;
  comparison(): Comparison;
}

export function createComparisonTally(): ComparisonTally {
  const model = createErrorTally();
  const seasonalNaive = createErrorTally();
  const fourWeekMean = createErrorTally();
  return {
    add({ bookings, fromAt, toAt }, forecast, scale) {
      const naive = lastWeek(bookings, fromAt, toAt);
      if (Number.isNaN(naive)) return;
      const actual = bookings.between(fromAt, toAt);
      model.add(actual, forecast, scale);
      seasonalNaive.add(actual, { p50: naive }, scale);
      const mean = meanOfWeeks(bookings, fromAt, toAt);
      fourWeekMean.add(actual, { p50: mean }, scale);
    },
    comparison: () => ({
      model: model.metrics(),
      seasonal_naive: seasonalNaive.metrics(),
      four_week_mean: fourWeekMean.metrics(),
    }),
  };
}
