import type { z } from "zod";
import type { errorMetricsSchema } from "../../contract/model.ts";
import { QUANTILE_LEVELS } from "../training/quantile-head.ts";

/** Errors pooled over regions and instants; null where the metric does not exist. */
export type ErrorMetrics = z.output<typeof errorMetricsSchema>;

/** A forecast with its 80 % interval. */
export interface Interval {
  readonly p10: number;
  readonly p50: number;
  readonly p90: number;
}

/** What was said of one stretch of time: a value with an interval, or a bare value. */
export type Forecasted = Interval | { readonly p50: number };

export interface ErrorTally {
  /**
   * @param scale the mean absolute error of the seasonal naive forecast of the same region in the training time; the
   *   row does not count towards the scaled error where it is 0 or unknown
   */
  add(actual: number, forecast: Forecasted, scale: number): void;
  metrics(): ErrorMetrics;
}

/**
 * Adds up errors one forecast at a time.
 *
 * - wape: sum of absolute errors by sum of actuals
 * - mase: mean of absolute errors, each by its region's seasonal naive error (Hyndman and Koehler 2006)
 * - smape: mean of 2 |error| / (|actual| + |forecast|), 0 where both are 0
 * - pinball: mean over rows and the three quantile levels; without an interval all three are the forecast itself
 * - coverage_80: share of actuals within [p10, p90]
 */
export function createErrorTally(): ErrorTally {
  let count = 0;
  let actuals = 0;
  let absoluteErrors = 0;
  let scaledErrors = 0;
  let scaledCount = 0;
  let symmetricErrors = 0;
  let pinballs = 0;
  let intervals = 0;
  let covered = 0;
  return {
    add(actual, forecast, scale) {
      const { p50 } = forecast;
      const error = Math.abs(actual - p50);
      count += 1;
      actuals += actual;
      absoluteErrors += error;
      if (scale > 0) {
        scaledErrors += error / scale;
        scaledCount += 1;
      }
      symmetricErrors += error === 0 ? 0 : (2 * error) / (actual + p50);
      const { p10, p90 } = "p10" in forecast ? forecast : { p10: p50, p90: p50 };
      const quantiles = [p10, p50, p90];
      QUANTILE_LEVELS.forEach((level, index) => {
        const miss = actual - (quantiles[index] ?? p50);
        pinballs += (miss > 0 ? level : level - 1) * miss;
      });
      if (!("p10" in forecast)) return;
      intervals += 1;
      if (p10 <= actual && actual <= p90) covered += 1;
    },
    metrics: () => ({
      wape: ratio(absoluteErrors, actuals),
      mase: ratio(scaledErrors, scaledCount),
      smape: ratio(symmetricErrors, count),
      pinball: ratio(pinballs, count * QUANTILE_LEVELS.length),
      coverage_80: ratio(covered, intervals),
    }),
  };
}

function ratio(numerator: number, denominator: number): number | null {
  return denominator === 0 ? null : numerator / denominator;
}
