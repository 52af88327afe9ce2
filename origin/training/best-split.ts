import { MISSING_BIN } from "./bin-edges.ts";
import { HISTOGRAM_WIDTH } from "./histogram.ts";

/** A way to divide a node's rows: value bins up to `bin` go left. */
export interface Split {
  gain: number;
  feature: number;
  bin: number;
  missingLeft: boolean;
  /** The left child's (gradient, hessian) sums, a pair an output. */
  readonly left: Float64Array;
}

export function noSplit(outputCount: number): Split {
  return {
    gain: 0,
    feature: -1,
    bin: -1,
    missingLeft: true,
    left: new Float64Array(2 * outputCount),
  };
}

export interface SplitLimits {
  readonly minChildHessian: number;
  readonly l2: number;
}

/** Gains below this share of the parent's own score are what subtracting histograms leaves behind, not structure. */
const ROUNDING_SHARE = 1e-10;

/**
 * Replaces `best` by the best split on one feature, if that gains more.
 *
 * The gain is the second-order improvement of the loss, summed over the outputs (Chen and Guestrin 2016, equation 7).
 * Where the node has missing values both directions are tried; where it has none, values missing later go with the
 * heavier child.
 *
 * @param totals the node's (gradient, hessian) sums, a pair an output
 * @param edgeCount how many bins can be a split: the last value bin cannot
 */
export function improveSplit(
  best: Split,
  histogram: Float64Array,
  totals: Float64Array,
  feature: number,
  edgeCount: number,
  hasMissing: boolean,
  limits: SplitLimits,
): void {
  const parentScore = scoreOf(totals, limits.l2);
  const missing = missingSums(histogram, totals.length, hasMissing);
  const left = new Float64Array(totals.length);
  const directions = hessianOf(missing) > 0 ? 2 : 1;
  const leastGain = ROUNDING_SHARE * parentScore;
  for (let bin = 0; bin < edgeCount; bin++) {
    if (!addBin(left, histogram, bin)) continue;
    for (let direction = 0; direction < directions; direction++) {
      const share = direction === 0 ? 0 : 1;
      const gain = 0.5 * (childrenScore(left, missing, share, totals, limits) - parentScore);
      if (!(gain > best.gain && gain > leastGain)) continue;
      best.gain = gain;
      best.feature = feature;
      best.bin = bin;
      for (let i = 0; i < left.length; i++) {
        best.left[i] = (left[i] ?? 0) + share * (missing[i] ?? 0);
      }
      best.missingLeft =
        directions === 2 ? direction === 1 : 2 * hessianOf(best.left) >= hessianOf(totals);
    }
  }
}

/** Adds a bin to the running sums; false when the bin is empty, so that the split is the same as the one before. */
function addBin(left: Float64Array, histogram: Float64Array, bin: number): boolean {
  let hasRows = false;
  for (let i = 0; i < left.length; i += 2) {
    const at = (i / 2) * HISTOGRAM_WIDTH + 2 * bin;
    const hessian = histogram[at + 1] ?? 0;
    if (hessian !== 0) hasRows = true;
    left[i] = (left[i] ?? 0) + (histogram[at] ?? 0);
    left[i + 1] = (left[i + 1] ?? 0) + hessian;
  }
  return hasRows;
}

/**
 * The children's scores when a share (none or all) of the missing values goes left; minus infinity if a child is too
 * light.
 */
function childrenScore(
  left: Float64Array,
  missing: Float64Array,
  missingShare: number,
  totals: Float64Array,
  limits: SplitLimits,
): number {
  let score = 0;
  let leftHessians = 0;
  let rightHessians = 0;
  for (let i = 0; i < totals.length; i += 2) {
    const leftGradient = (left[i] ?? 0) + missingShare * (missing[i] ?? 0);
    const leftHessian = (left[i + 1] ?? 0) + missingShare * (missing[i + 1] ?? 0);
    const rightGradient = (totals[i] ?? 0) - leftGradient;
    const rightHessian = (totals[i + 1] ?? 0) - leftHessian;
    score +=
      (leftGradient * leftGradient) / (leftHessian + limits.l2) +
      (rightGradient * rightGradient) / (rightHessian + limits.l2);
    leftHessians += leftHessian;
    rightHessians += rightHessian;
  }
  const lightest = (2 * Math.min(leftHessians, rightHessians)) / totals.length;
  return lightest >= limits.minChildHessian && lightest > 0 ? score : Number.NEGATIVE_INFINITY;
}

/** The second-order score of a set of rows: twice the loss that its best step removes. */
export function scoreOf(sums: Float64Array, l2: number): number {
  let score = 0;
  for (let i = 0; i < sums.length; i += 2) {
    score += (sums[i] ?? 0) ** 2 / ((sums[i + 1] ?? 0) + l2);
  }
  return score;
}

/** The second derivatives of a set of rows, averaged over the outputs. */
export function hessianOf(sums: Float64Array): number {
  let hessians = 0;
  for (let i = 1; i < sums.length; i += 2) hessians += sums[i] ?? 0;
  return (2 * hessians) / sums.length;
}

function missingSums(histogram: Float64Array, width: number, hasMissing: boolean): Float64Array {
  const sums = new Float64Array(width);
  if (!hasMissing) return sums;
  for (let i = 0; i < width; i += 2) {
    const at = (i / 2) * HISTOGRAM_WIDTH + 2 * MISSING_BIN;
    sums[i] = histogram[at] ?? 0;
    sums[i + 1] = histogram[at + 1] ?? 0;
  }
  return sums;
}
