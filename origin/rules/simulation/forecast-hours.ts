/** What the shipped model would have forecast at each quarter hour of recorded days. */
import { FEATURE_NAMES, featuresFrom, HORIZONS_MS } from "../../../domain/features.ts";
import { forecastFrom } from "../../../domain/forecast.ts";
import { type EpochMs, type ModelVersion, plus, QUARTER_HOUR_MS } from "../../../domain/units.ts";
import type { OnnxModel } from "../../onnx/inference.ts";
import { pastSignals, type RegionHistory } from "../../training/demand-history.ts";

/** Bookings expected in the coming hour, for each quarter hour from `fromAt`; one run of the model. */
export async function forecastHours(
  model: OnnxModel,
  region: RegionHistory,
  fromAt: EpochMs,
  quarters: number,
): Promise<Float64Array> {
  const { bookings, timeZone } = region;
  const rows = new Float32Array(quarters * FEATURE_NAMES.length);
  for (let quarter = 0; quarter < quarters; quarter++) {
    const asOf = plus(fromAt, quarter * QUARTER_HOUR_MS);
    const { values } = featuresFrom({
      timeZone,
      history: bookings,
      signals: pastSignals(bookings, asOf),
      liveSince: bookings.startAt,
      context: region.contextAt(asOf),
    });
    rows.set(values, quarter * FEATURE_NAMES.length);
  }
  const quantiles = await model.run(rows);
  const perRow = quantiles.length / quarters;
  return Float64Array.from({ length: quarters }, (_, quarter) => {
    const own = quantiles.subarray(quarter * perRow, (quarter + 1) * perRow);
    const asOf = plus(fromAt, quarter * QUARTER_HOUR_MS);
    const { points } = forecastFrom(own, HORIZONS_MS, asOf, "mdl_simulation" as ModelVersion);
    return points.reduce((sum, { p50 }) => sum + p50, 0);
  });
}
