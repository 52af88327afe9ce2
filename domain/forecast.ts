import type { EpochMs, ModelVersion } from "./units.ts";

/** Bookings expected in the quarter hour that ends at `at`. */
export interface ForecastPoint {
  at: EpochMs;
  horizonMs: number;
  p10: number;
  p50: number;
  p90: number;
}

/** Bookings expected in the coming hour, quarter hour by quarter hour. */
export interface DemandForecast {
  modelVersion: ModelVersion;
  madeAt: EpochMs;
  points: ForecastPoint[];
}

/** Values of one model run are ordered by horizon, then p10, p50, p90. */
export const QUANTILES_PER_HORIZON = 3;

/** Names the numbers a model returned for one row. Throws when their count does not fit the horizons. */
export function forecastFrom(
  quantiles: ArrayLike<number>,
  horizonsMs: readonly number[],
  asOf: EpochMs,
  modelVersion: ModelVersion,
): DemandForecast {
  if (quantiles.length !== horizonsMs.length * QUANTILES_PER_HORIZON) {
    throw new RangeError(`${quantiles.length} values for ${horizonsMs.length} horizons`);
  }
  const points = horizonsMs.map((horizonMs, i): ForecastPoint => {
    const first = i * QUANTILES_PER_HORIZON;
    return {
      at: (asOf + horizonMs) as EpochMs,
      horizonMs,
      p10: quantiles[first] ?? 0,
      p50: quantiles[first + 1] ?? 0,
      p90: quantiles[first + 2] ?? 0,
    };
  });
  return { modelVersion, madeAt: asOf, points };
}

/** True while some of what it forecast is still to come. */
export function isCurrent(forecast: DemandForecast, asOf: EpochMs): boolean {
  return forecast.points.some((point) => point.at > asOf);
}

/**
 * How unusual the coming hour is, 0 to 1: forecast / (forecast + usual), so 0.5 is an ordinary hour and 0.75 one with
 * three times its usual bookings. An hour with nothing expected and nothing usual is ordinary.
 */
export function demandScoreOf(
  forecast: DemandForecast,
  usual: readonly (number | null)[],
): number | null {
  let usualHour = 0;
  for (const value of usual) {
    if (value === null) return null;
    usualHour += value;
  }
  const expected = sum(forecast, "p50");
  return expected + usualHour === 0 ? 0.5 : expected / (expected + usualHour);
}

/** 1 / (1 + (p90 - p10) / (2 max(p50, 1))), over the coming hour. */
export function confidenceOf(forecast: DemandForecast): number {
  const spread = sum(forecast, "p90") - sum(forecast, "p10");
  return 1 / (1 + spread / (2 * Math.max(sum(forecast, "p50"), 1)));
}

function sum(forecast: DemandForecast, quantile: "p10" | "p50" | "p90"): number {
  let total = 0;
  for (const point of forecast.points) total += point[quantile];
  return total;
}
