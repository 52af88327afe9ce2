import { HORIZONS_MS } from "../../domain/features.ts";
import { QUANTILES_PER_HORIZON } from "../../domain/forecast.ts";
import type { OnnxModel } from "../onnx/inference.ts";
import { featureRow, type TrainingMatrix } from "../training/training-matrix.ts";
import type { Interval } from "./error-metrics.ts";

/** Rows a call of the model. */
const BATCH_ROWS = 512;

/** The forecasts of a row, one a horizon. */
export type RowForecasts = (row: number) => Interval[];

/** Runs the model on every row of a matrix. */
export async function forecastRows(
  model: OnnxModel,
  matrix: TrainingMatrix,
  onProgress: (share: number) => void,
): Promise<RowForecasts> {
  const perRow = HORIZONS_MS.length * QUANTILES_PER_HORIZON;
  const quantiles = new Float32Array(matrix.rowCount * perRow);
  for (let first = 0; first < matrix.rowCount; first += BATCH_ROWS) {
    const count = Math.min(BATCH_ROWS, matrix.rowCount - first);
    const features = new Float32Array(count * model.featureCount);
    for (let i = 0; i < count; i++) {
      features.set(featureRow(matrix, first + i), i * model.featureCount);
    }
    quantiles.set(await model.run(features), first * perRow);
    onProgress((first + count) / matrix.rowCount);
  }
  return (row) =>
    HORIZONS_MS.map((_, horizon) => {
      const at = row * perRow + horizon * QUANTILES_PER_HORIZON;
      const [p10 = 0, p50 = 0, p90 = 0] = quantiles.subarray(at, at + QUANTILES_PER_HORIZON);
      return { p10, p50, p90 };
    });
}
