import { sortedQuantile } from "./objective.ts";
import {
  QUANTILE_LEVELS,
  type QuantileCurve,
  type QuantileHead,
  quantileAt,
} from "./quantile-head.ts";

/** Expected and observed counts of one output, on rows that the trees were not trained on. */
export interface JudgedRates {
  readonly rates: Float64Array;
  readonly targets: Float64Array;
}

/** Where the curve is pinned, as shares of the rates from low to high. */
const ANCHOR_LEVELS = [0.25, 0.7, 0.98] as const;

/** The search ends when its steps are this share of the anchor's own spread. */
const FINEST_STEP = 1e-3;

/** Fits every curve of the head by pinball loss. */
export function fitQuantileHead(outputs: readonly JudgedRates[]): QuantileHead {
  return outputs.map((judged) => QUANTILE_LEVELS.map((level) => fitQuantileCurve(judged, level)));
}

/**
 * The curve of least pinball loss.
 *
 * Searched by its values at three anchor rates, for these hardly depend on each other, while the three coefficients
 * do: a compass search (try a step up and down at each anchor, halve the steps when none helps) then needs no
 * derivatives, which the loss does not have everywhere.
 */
export function fitQuantileCurve({ rates, targets }: JudgedRates, level: number): QuantileCurve {
  const sorted = rates.slice().sort();
  const anchors = ANCHOR_LEVELS.map((share) => sortedQuantile(sorted, share));
  const spreads = anchors.map((rate) => Math.sqrt(rate) + 0.1);
  const values = anchors.slice();
  let curve = curveThrough(anchors, values);
  let loss = pinballLoss(curve, rates, targets, level);
  for (let step = 1; step > FINEST_STEP; ) {
    let improved = false;
    for (let anchor = 0; anchor < anchors.length; anchor++) {
      for (const direction of [-1, 1]) {
        const tried = values.slice();
        tried[anchor] = (values[anchor] ?? 0) + direction * step * (spreads[anchor] ?? 0);
        const triedCurve = curveThrough(anchors, tried);
        const triedLoss = pinballLoss(triedCurve, rates, targets, level);
        if (triedLoss >= loss) continue;
        values.splice(0, values.length, ...tried);
        curve = triedCurve;
        loss = triedLoss;
        improved = true;
      }
    }
    if (!improved) step /= 2;
  }
  return curve;
}

/** The mean pinball loss of a curve. */
export function pinballLoss(
  curve: QuantileCurve,
  rates: Float64Array,
  targets: Float64Array,
  level: number,
): number {
  let loss = 0;
  for (let row = 0; row < rates.length; row++) {
    const error = (targets[row] ?? 0) - quantileAt(curve, rates[row] ?? 0);
    loss += error > 0 ? level * error : (level - 1) * error;
  }
  return loss / rates.length;
}

/** The curve with the given values at three rates, by Newton's divided differences in the root of the rate. */
function curveThrough(rates: readonly number[], values: readonly number[]): QuantileCurve {
  const [x0 = 0, x1 = 0, x2 = 0] = rates.map(Math.sqrt);
  const [y0 = 0, y1 = 0, y2 = 0] = values;
  // Rates that hardly differ tell nothing of a curve; the rate itself is then the best guess.
  if (x0 === x1 || x1 === x2) return { constant: 0, root: 0, linear: 1 };
  const slope = (y1 - y0) / (x1 - x0);
  const linear = ((y2 - y1) / (x2 - x1) - slope) / (x2 - x0);
  const root = slope - linear * (x0 + x1);
  return { constant: y0 - root * x0 - linear * x0 * x0, root, linear };
}
