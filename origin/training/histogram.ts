/** Value bins and the missing one. */
export const BINS = 256;

/** A (gradient, hessian) pair a bin, for one output. */
export const HISTOGRAM_WIDTH = 2 * BINS;

/**
 * Adds rows of a node to the histograms of two features: for each output a run of 256 (gradient, hessian) pairs.
 *
 * Most of training is spent here. Two features at a time read the order and the derivatives once for both, which
 * saves a third; one pass an output keeps the inner loop free of a loop over outputs, which costs more than reading
 * the bins again.
 */
export function addRows(
  histograms: readonly [Float64Array, Float64Array],
  bins: readonly [Uint8Array, Uint8Array],
  order: Uint32Array,
  pairs: Float32Array,
  begin: number,
  end: number,
): void {
  const [first, second] = histograms;
  const pairsPerOutput = 2 * order.length;
  for (let at = 0, from = 0; at < first.length; at += HISTOGRAM_WIDTH, from += pairsPerOutput) {
    addOutput(
      first.subarray(at, at + HISTOGRAM_WIDTH),
      second.subarray(at, at + HISTOGRAM_WIDTH),
      bins[0],
      bins[1],
      order,
      pairs.subarray(from, from + pairsPerOutput),
      begin,
      end,
    );
  }
}

function addOutput(
  first: Float64Array,
  second: Float64Array,
  firstBins: Uint8Array,
  secondBins: Uint8Array,
  order: Uint32Array,
  pairs: Float32Array,
  begin: number,
  end: number,
): void {
  for (let i = begin; i < end; i++) {
    const row = order[i] ?? 0;
    const gradient = pairs[2 * i] ?? 0;
    const hessian = pairs[2 * i + 1] ?? 0;
    const a = 2 * (firstBins[row] ?? 0);
    first[a] = (first[a] ?? 0) + gradient;
    first[a + 1] = (first[a + 1] ?? 0) + hessian;
    const b = 2 * (secondBins[row] ?? 0);
    second[b] = (second[b] ?? 0) + gradient;
    second[b + 1] = (second[b + 1] ?? 0) + hessian;
  }
}

/** Turns a parent's histogram into that of one child, given the other child's. */
export function subtract(parent: Float64Array, child: Float64Array): void {
  for (let i = 0; i < parent.length; i++) parent[i] = (parent[i] ?? 0) - (child[i] ?? 0);
}
