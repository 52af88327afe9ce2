import type { Draws } from "../random.ts";

/** Above it the normal distribution is as good, and costs two draws instead of as many as the mean. */
const NORMAL_ABOVE = 30;

/** A count with the given mean, Poisson distributed (Knuth's product of uniforms; rounded normal for large means). */
export function drawPoisson(draws: Draws, mean: number): number {
  if (mean > NORMAL_ABOVE) {
    return Math.max(0, Math.round(mean + Math.sqrt(mean) * drawNormal(draws)));
  }
  const floor = Math.exp(-mean);
  let count = 0;
  for (let product = draws.between(0, 1); product > floor; count++) product *= draws.between(0, 1);
  return count;
}

/** A waiting time with the given mean, exponentially distributed. */
export function drawExponential(draws: Draws, mean: number): number {
  return -mean * Math.log(1 - draws.between(0, 1));
}

/** Standard normal (Box and Muller). */
function drawNormal(draws: Draws): number {
  const radius = Math.sqrt(-2 * Math.log(1 - draws.between(0, 1)));
  return radius * Math.cos(2 * Math.PI * draws.between(0, 1));
}

/**
 * Ranks from 0 to `count` - 1, the k-th with a probability in proportion to 1 / (k + 1)^exponent (Zipf): a few regions are
 * busy and many are quiet, as cities are.
 */
export function zipfRanks(count: number, exponent: number): (draws: Draws) => number {
  const cumulative = new Float64Array(count);
  let sum = 0;
  for (let rank = 0; rank < count; rank++) {
    sum += (rank + 1) ** -exponent;
    cumulative[rank] = sum;
  }
  return (draws) => {
    const wanted = draws.between(0, sum);
    let low = 0;
    let high = count - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((cumulative[middle] ?? 0) > wanted) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}
