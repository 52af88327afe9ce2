import { createHash } from "node:crypto";

/**
 * What a model is trained on, in memory that every training thread sees.
 *
 * Features are column-major (`values[feature * rowCount + row]`), because binning and histograms walk one feature at
 * a time; targets are row-major (`targets[row * outputCount + output]`), because a gradient needs all outputs of a
 * row.
 */
export interface TrainingMatrix {
  readonly rowCount: number;
  readonly featureNames: readonly string[];
  readonly outputCount: number;
  /** Finite numbers, or NaN where the value is missing. */
  readonly values: Float32Array;
  readonly targets: Float32Array;
}

/** An empty matrix in shared memory, for the caller to fill. */
export function createTrainingMatrix(
  rowCount: number,
  featureNames: readonly string[],
  outputCount: number,
): TrainingMatrix {
  return {
    rowCount,
    featureNames,
    outputCount,
    values: sharedFloat32(rowCount * featureNames.length),
    targets: sharedFloat32(rowCount * outputCount),
  };
}

/** The features of one row, as the model sees them at serving time. */
export function featureRow(matrix: TrainingMatrix, row: number): Float32Array {
  return Float32Array.from(
    matrix.featureNames,
    (_, feature) => matrix.values[feature * matrix.rowCount + row] ?? Number.NaN,
  );
}

/** The first rows of a matrix. */
export function firstRows(matrix: TrainingMatrix, rowCount: number): TrainingMatrix {
  const { featureNames, outputCount } = matrix;
  const first = createTrainingMatrix(rowCount, featureNames, outputCount);
  featureNames.forEach((_, feature) => {
    const from = feature * matrix.rowCount;
    first.values.set(matrix.values.subarray(from, from + rowCount), feature * rowCount);
  });
  first.targets.set(matrix.targets.subarray(0, rowCount * outputCount));
  return first;
}

/** Identifies names, features and targets: SHA-256, hex. */
export function matrixHash({ featureNames, values, targets }: TrainingMatrix): string {
  const hash = createHash("sha256").update(JSON.stringify(featureNames));
  return hash.update(values).update(targets).digest("hex");
}

function sharedFloat32(length: number): Float32Array {
  return new Float32Array(new SharedArrayBuffer(length * Float32Array.BYTES_PER_ELEMENT));
}
