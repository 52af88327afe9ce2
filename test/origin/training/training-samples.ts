import { uniformAt } from "../../../origin/training/seeded-random.ts";
import {
  createTrainingMatrix,
  type TrainingMatrix,
} from "../../../origin/training/training-matrix.ts";

/** Rows for tests of training, drawn by seed. */

interface SampleShape {
  readonly rows: number;
  readonly features: number;
  readonly outputs?: number;
  /** The share of values that is missing. */
  readonly missing?: number;
}

/** Uniform features; `targetOf` sees them as they are before some go missing, and a uniform draw a cell. */
export function sampleMatrix(
  { rows, features, outputs = 1, missing = 0 }: SampleShape,
  targetOf: (row: readonly number[], draw: number, output: number) => number,
  seed = 11,
): TrainingMatrix {
  const names = Array.from({ length: features }, (_, feature) => `f${feature}`);
  const matrix = createTrainingMatrix(rows, names, outputs);
  for (let row = 0; row < rows; row++) {
    const values = names.map((_, feature) => uniformAt(seed, feature, row));
    values.forEach((value, feature) => {
      const isMissing = uniformAt(seed + 1, feature, row) < missing;
      matrix.values[feature * rows + row] = isMissing ? Number.NaN : value;
    });
    for (let output = 0; output < outputs; output++) {
      const draw = uniformAt(seed + 2, output, row);
      matrix.targets[row * outputs + output] = targetOf(values, draw, output);
    }
  }
  return matrix;
}

/** A Poisson count of the given rate, by inverting its distribution at a uniform draw. */
export function poissonCount(rate: number, draw: number): number {
  let probability = Math.exp(-rate);
  let cumulative = probability;
  let count = 0;
  while (cumulative < draw && count < 1000) {
    count += 1;
    probability *= rate / count;
    cumulative += probability;
  }
  return count;
}
