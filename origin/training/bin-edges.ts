/** The bin that holds missing values; values themselves use the bins below it. */
export const MISSING_BIN = 255;

/** The most bins that values of one feature can have, so that a bin fits in a byte beside the missing one. */
export const MAX_VALUE_BINS = 255;

/**
 * The edges between the bins of one feature, ascending: a value x lies in the first bin whose edge is at least x, and
 * in the last bin when no edge is.
 *
 * Edges are float32, so `x <= edge` is the same question in ONNX's float32 comparison as it was in training. Features
 * with few distinct values get a bin each; others get bins of about equal row counts, and a value that is frequent
 * enough gets its own.
 *
 * @param sortedValues the feature's values without missing ones, ascending
 */
export function binEdgesOf(sortedValues: Float32Array, maxBins: number): Float32Array {
  const { values, counts } = runsOf(sortedValues);
  if (values.length <= maxBins) {
    return values.subarray(1).map((value, index) => edgeBetween(values[index] ?? value, value));
  }
  const edges: number[] = [];
  let rowsLeft = sortedValues.length;
  let rowsInBin = 0;
  for (let run = 0; run + 1 < values.length && edges.length + 1 < maxBins; run++) {
    rowsInBin += counts[run] ?? 0;
    const share = rowsLeft / (maxBins - edges.length);
    const nextRunFillsABin = (counts[run + 1] ?? 0) >= share;
    if (rowsInBin < share && !nextRunFillsABin) continue;
    edges.push(edgeBetween(values[run] ?? 0, values[run + 1] ?? 0));
    rowsLeft -= rowsInBin;
    rowsInBin = 0;
  }
  return Float32Array.from(edges);
}

/** The bin of a value that is not missing. */
export function binOf(value: number, edges: Float32Array): number {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((edges[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A float32 t with lower <= t < upper: the middle, unless rounding takes it up to the upper value. */
export function edgeBetween(lower: number, upper: number): number {
  const middle = Math.fround((lower + upper) / 2);
  return middle < upper ? middle : lower;
}

/** The distinct values and how often each occurs. */
function runsOf(sortedValues: Float32Array): { values: Float32Array; counts: Uint32Array } {
  const values = new Float32Array(sortedValues.length);
  const counts = new Uint32Array(sortedValues.length);
  let runs = 0;
  let previous = Number.NaN;
  for (const value of sortedValues) {
    if (value !== previous) {
      values[runs] = value;
      runs += 1;
      previous = value;
    }
    counts[runs - 1] = (counts[runs - 1] ?? 0) + 1;
  }
  return { values: values.subarray(0, runs), counts: counts.subarray(0, runs) };
}
