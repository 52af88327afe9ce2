/**
 * Means, variances and covariance of what was measured of users, added up one by one.
 *
 * Welford's update and the merge of Chan, Golub and LeVeque (1983): no large sums are subtracted, so a revenue of millions keeps
 * its digits.
 */
export interface Moments {
  count: number;
  mean: number;
  /** With n - 1; 0 of fewer than two. */
  variance: number;
}

/** Of an outcome beside what was measured of the same users before. */
export interface PairedMoments {
  outcome: Moments;
  before: Moments;
  /** With n - 1. */
  covariance: number;
}

export class MomentSums {
  private count = 0;
  private outcomeMean = 0;
  private beforeMean = 0;
  private outcomeSquares = 0;
  private beforeSquares = 0;
  private products = 0;

  /** One user: what was measured, and the same of the time before. */
  add(outcome: number, before = 0): void {
    this.count += 1;
    const outcomeStep = outcome - this.outcomeMean;
    const beforeStep = before - this.beforeMean;
    this.outcomeMean += outcomeStep / this.count;
    this.beforeMean += beforeStep / this.count;
    this.outcomeSquares += outcomeStep * (outcome - this.outcomeMean);
    this.beforeSquares += beforeStep * (before - this.beforeMean);
    this.products += outcomeStep * (before - this.beforeMean);
  }

  moments(): PairedMoments {
    const { count } = this;
    const divisor = Math.max(1, count - 1);
    return {
      outcome: { count, mean: this.outcomeMean, variance: this.outcomeSquares / divisor },
      before: { count, mean: this.beforeMean, variance: this.beforeSquares / divisor },
      covariance: this.products / divisor,
    };
  }
}

/** Moments of a proportion: each of `count` users did it or not. The variance is p (1 - p). */
export function proportionMoments(successes: number, count: number): Moments {
  const mean = count === 0 ? 0 : successes / count;
  const variance = mean * (1 - mean);
  return { count, mean, variance };
}

/** Moments of two disjoint groups as of one. */
export function pooled(one: PairedMoments, other: PairedMoments): PairedMoments {
  const between = {
    outcome: other.outcome.mean - one.outcome.mean,
    before: other.before.mean - one.before.mean,
  };
  const [n, m] = [one.outcome.count, other.outcome.count];
  const merged = (mine: number, theirs: number, apart: number) => {
    const sum = mine * Math.max(0, n - 1) + theirs * Math.max(0, m - 1);
    return (sum + (apart * n * m) / Math.max(1, n + m)) / Math.max(1, n + m - 1);
  };
  const momentsOf = (part: "outcome" | "before"): Moments => ({
    count: n + m,
    mean: one[part].mean + (between[part] * m) / Math.max(1, n + m),
    variance: merged(one[part].variance, other[part].variance, between[part] ** 2),
  });
  return {
    outcome: momentsOf("outcome"),
    before: momentsOf("before"),
    covariance: merged(one.covariance, other.covariance, between.outcome * between.before),
  };
}
