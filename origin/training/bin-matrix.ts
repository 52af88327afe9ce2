import { binEdgesOf, binOf, MAX_VALUE_BINS, MISSING_BIN } from "./bin-edges.ts";
import type { BoostingState } from "./boosting-state.ts";

/** Chooses the edges of a feature from its training rows and sorts all rows into bins. */
export function binFeature(state: BoostingState, feature: number): void {
  const { matrix, settings } = state;
  const column = matrix.values.subarray(feature * matrix.rowCount, (feature + 1) * matrix.rowCount);
  const edges = binEdgesOf(
    presentValues(column.subarray(0, settings.trainRowCount), matrix.featureNames[feature] ?? ""),
    settings.maxBins,
  );
  state.edges.set(edges, feature * MAX_VALUE_BINS);
  state.edgeCounts[feature] = edges.length;

  const bins = state.bins.subarray(feature * matrix.rowCount, (feature + 1) * matrix.rowCount);
  state.hasMissing[feature] = fillBins(bins, column, edges) ? 1 : 0;
}

/** Whether there were missing values among them. */
function fillBins(bins: Uint8Array, column: Float32Array, edges: Float32Array): boolean {
  let hasMissing = false;
  for (let row = 0; row < column.length; row++) {
    const value = column[row] ?? Number.NaN;
    const isMissing = Number.isNaN(value);
    hasMissing ||= isMissing;
    bins[row] = isMissing ? MISSING_BIN : binOf(value, edges);
  }
  return hasMissing;
}

/** The values that are not missing, ascending. */
function presentValues(column: Float32Array, name: string): Float32Array {
  const present = new Float32Array(column.length);
  let count = 0;
  for (const value of column) {
    if (Number.isNaN(value)) continue;
    if (!Number.isFinite(value)) {
      throw new RangeError(`feature ${name} holds ${value}; a missing value must be NaN`);
    }
    present[count] = value;
    count += 1;
  }
  return present.subarray(0, count).sort();
}
