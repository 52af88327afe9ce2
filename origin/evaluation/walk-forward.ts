import { HORIZONS_MS } from "../../domain/features.ts";
import { HOUR_MS, MINUTE_MS, QUARTER_HOUR_MS } from "../../domain/units.ts";
import type { OnnxModel } from "../onnx/inference.ts";
import { datasetFrom, type OriginRange } from "../training/dataset.ts";
import type { RegionHistory } from "../training/demand-history.ts";
import { seasonalNaiveError } from "./baselines.ts";
import { type Comparison, createComparisonTally } from "./comparison.ts";
import { createErrorTally, type Interval } from "./error-metrics.ts";
import { forecastRows } from "./forecast-rows.ts";

export interface WalkForwardReport {
  readonly from: string;
  readonly until: string;
  readonly regions: number;
  readonly horizons: readonly (Comparison & { readonly horizon_minutes: number })[];
  /** All horizons together. */
  readonly quarter_hourly: Comparison;
  /** The coming hour, at each full hour. */
  readonly hourly: Comparison;
  /**
   * The share of actuals within [p10, p90] where the median is at least BUSY_MEDIAN; smaller counts are too coarse
   * for 80 %.
   */
  readonly coverage_80_busy: number | null;
}

const BUSY_MEDIAN = 8;

/**
 * Forecasts every region at every quarter hour of a range, from what was known there, and compares with what came.
 *
 * The range must lie after all that the model was trained on. The model is the ONNX file itself, run as it is served.
 */
export async function walkForward(
  model: OnnxModel,
  regions: readonly RegionHistory[],
  range: OriginRange,
  onProgress: (share: number) => void = () => undefined,
): Promise<WalkForwardReport> {
  const { matrix, origins } = datasetFrom(regions, range, (share) => onProgress(share / 2));
  const forecastsOf = await forecastRows(model, matrix, (share) => onProgress((1 + share) / 2));
  const judges = regions.map(({ bookings }) => ({
    bookings,
    quarterHourScale: seasonalNaiveError(bookings, QUARTER_HOUR_MS, range.fromAt),
    hourScale: seasonalNaiveError(bookings, HOUR_MS, range.fromAt),
  }));

  const horizons = HORIZONS_MS.map((horizonMs) => ({ horizonMs, tally: createComparisonTally() }));
  const quarterHourly = createComparisonTally();
  const hourly = createComparisonTally();
  const busy = createErrorTally();
  origins.forEach((asOf, index) => {
    judges.forEach(({ bookings, quarterHourScale, hourScale }, place) => {
      const forecasts = forecastsOf(index * regions.length + place);
      horizons.forEach(({ horizonMs, tally }, horizon) => {
        const forecast = forecasts[horizon];
        if (forecast === undefined) throw new RangeError(`no forecast for ${horizonMs} ms`);
        const toAt = asOf + horizonMs;
        const stretch = { bookings, fromAt: toAt - QUARTER_HOUR_MS, toAt };
        tally.add(stretch, forecast, quarterHourScale);
        quarterHourly.add(stretch, forecast, quarterHourScale);
        if (forecast.p50 < BUSY_MEDIAN) return;
        busy.add(bookings.between(stretch.fromAt, toAt), forecast, quarterHourScale);
      });
      if (asOf % HOUR_MS !== 0) return;
      hourly.add({ bookings, fromAt: asOf, toAt: asOf + HOUR_MS }, hourOf(forecasts), hourScale);
    });
  });
  return {
    from: new Date(range.fromAt).toISOString(),
    until: new Date(range.untilAt).toISOString(),
    regions: regions.length,
    horizons: horizons.map(({ horizonMs, tally }) => ({
      horizon_minutes: horizonMs / MINUTE_MS,
      ...tally.comparison(),
    })),
    quarter_hourly: quarterHourly.comparison(),
    hourly: hourly.comparison(),
    coverage_80_busy: busy.metrics().coverage_80,
  };
}

/**
 * Four quarter hours as one hour: medians add up, and widths add up as roots of squares.
 *
 * That takes their misses as independent. Most of a miss is the chance of small counts, but a misjudged hour is
 * misjudged in all its quarters, so the interval is somewhat too narrow; the report says by how much.
 */
function hourOf(quarterHours: readonly Interval[]): Interval {
  const p50 = quarterHours.reduce((sum, forecast) => sum + forecast.p50, 0);
  const below = Math.hypot(...quarterHours.map((forecast) => forecast.p50 - forecast.p10));
  const above = Math.hypot(...quarterHours.map((forecast) => forecast.p90 - forecast.p50));
  return { p10: p50 - below, p50, p90: p50 + above };
}
