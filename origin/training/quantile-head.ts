/** The quantiles that a forecast gives, in this order. */
export const QUANTILE_LEVELS = [0.1, 0.5, 0.9] as const;

/**
 * A quantile as a function of the expected count: `max(0, constant + root * sqrt(rate) + linear * rate)`.
 *
 * Poisson noise grows with the root of the rate, misjudged rates with the rate itself; the constant carries what
 * whole counts do near zero.
 */
export interface QuantileCurve {
  readonly constant: number;
  readonly root: number;
  readonly linear: number;
}

/** For each output of the trees, a curve a level of QUANTILE_LEVELS. */
export type QuantileHead = readonly (readonly QuantileCurve[])[];

export function quantileAt({ constant, root, linear }: QuantileCurve, rate: number): number {
  return Math.max(0, constant + root * Math.sqrt(rate) + linear * rate);
}

/**
 * The quantiles of one row: for each output p10, p50, p90. A quantile is never below the ones before it; where the
 * curves cross, it takes the larger value.
 */
export function quantilesOf(head: QuantileHead, rates: ArrayLike<number>): Float32Array {
  return Float32Array.from(
    head.flatMap((curves, output) => {
      let below = 0;
      return curves.map((curve) => {
        below = Math.max(below, quantileAt(curve, rates[output] ?? 0));
        return below;
      });
    }),
  );
}
