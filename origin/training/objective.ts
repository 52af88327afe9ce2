/**
 * What training minimises. Scores are on the link scale: the value itself for squared error and quantiles, the log of
 * the rate for counts.
 */
export type ObjectiveChoice =
  | { readonly kind: "squared" }
  /** Counts with a log link: the score is the log of the expected count. */
  | { readonly kind: "poisson" }
  /** Between counts and amounts with a log link; `power` lies strictly between 1 and 2. */
  | { readonly kind: "tweedie"; readonly power: number }
  /** Pinball loss at `level`, strictly between 0 and 1. */
  | { readonly kind: "quantile"; readonly level: number };

export interface Objective {
  /** The best score for all rows alike. */
  baseScore(targets: Float64Array): number;
  /** Fills `pairs` with the loss's first and second derivative at the cells that begin at `from`. */
  derivatives(scores: Float64Array, targets: Float32Array, from: number, pairs: Float32Array): void;
  /** The loss of one cell. */
  loss(score: number, target: number): number;
  /** The step that a leaf takes from the sums over its rows, before the learning rate. */
  leafStep(gradient: number, hessian: number, l2: number): number;
  /**
   * The level of the residuals that leaves are set to after growing, for losses whose second derivative says nothing.
   */
  readonly residualLevel: number | null;
}

/** The bound on a log-link leaf's step: without targets and without l2 the best step would be minus infinity. */
const SMALLEST_RATE_RATIO = 1e-6;

export function objectiveFrom(choice: ObjectiveChoice): Objective {
  switch (choice.kind) {
    case "squared":
      return squared;
    case "poisson":
      return poisson;
    case "tweedie":
      return tweedie(choice.power);
    case "quantile":
      return quantile(choice.level);
  }
}

const squared: Objective = {
  baseScore: mean,
  derivatives(scores, targets, from, pairs) {
    for (let i = 0; 2 * i < pairs.length; i++) {
      pairs[2 * i] = (scores[from + i] ?? 0) - (targets[from + i] ?? 0);
      pairs[2 * i + 1] = 1;
    }
  },
  loss: (score, target) => 0.5 * (score - target) ** 2,
  leafStep: newtonStep,
  residualLevel: null,
};

const poisson: Objective = {
  baseScore: logMean,
  derivatives(scores, targets, from, pairs) {
    for (let i = 0; 2 * i < pairs.length; i++) {
      const rate = Math.exp(scores[from + i] ?? 0);
      pairs[2 * i] = rate - (targets[from + i] ?? 0);
      pairs[2 * i + 1] = rate;
    }
  },
  loss: (score, target) => Math.exp(score) - target * score,
  // The exact best step of a leaf, log(sum of targets / sum of rates): a Newton step overshoots where a leaf's
  // targets are many times its rates.
  leafStep: (gradient, hessian, l2) =>
    Math.log(Math.max(SMALLEST_RATE_RATIO, 1 - gradient / (hessian + l2))),
  residualLevel: null,
};

/** Tweedie deviance with a log link (Jørgensen 1987); between its limits, Poisson (1) and gamma (2). */
function tweedie(power: number): Objective {
  if (!(power > 1 && power < 2)) {
    throw new RangeError(`the tweedie power must lie between 1 and 2, and is ${power}`);
  }
  return {
    baseScore: logMean,
    derivatives(scores, targets, from, pairs) {
      for (let i = 0; 2 * i < pairs.length; i++) {
        const score = scores[from + i] ?? 0;
        const observed = (targets[from + i] ?? 0) * Math.exp((1 - power) * score);
        const expected = Math.exp((2 - power) * score);
        pairs[2 * i] = expected - observed;
        pairs[2 * i + 1] = (2 - power) * expected + (power - 1) * observed;
      }
    },
    loss: (score, target) =>
      Math.exp((2 - power) * score) / (2 - power) -
      (target * Math.exp((1 - power) * score)) / (1 - power),
    leafStep: newtonStep,
    residualLevel: null,
  };
}

function quantile(level: number): Objective {
  if (!(level > 0 && level < 1)) {
    throw new RangeError(`a quantile level must lie between 0 and 1, and is ${level}`);
  }
  return {
    baseScore: (targets) => sortedQuantile(targets.slice().sort(), level),
    derivatives(scores, targets, from, pairs) {
      for (let i = 0; 2 * i < pairs.length; i++) {
        const isAbove = (scores[from + i] ?? 0) > (targets[from + i] ?? 0);
        pairs[2 * i] = isAbove ? 1 - level : -level;
        pairs[2 * i + 1] = 1;
      }
    },
    loss: (score, target) => (target > score ? level : level - 1) * (target - score),
    leafStep: newtonStep,
    residualLevel: level,
  };
}

/** The value below which a share `level` of an ascending, non-empty list lies, interpolated linearly. */
export function sortedQuantile(ascending: Float64Array, level: number): number {
  const position = level * (ascending.length - 1);
  const below = Math.floor(position);
  const low = ascending[below] ?? 0;
  const high = ascending[Math.min(below + 1, ascending.length - 1)] ?? low;
  return low + (position - below) * (high - low);
}

function newtonStep(gradient: number, hessian: number, l2: number): number {
  return -gradient / (hessian + l2);
}

function mean(targets: Float64Array): number {
  return targets.reduce((sum, target) => sum + target, 0) / targets.length;
}

function logMean(targets: Float64Array): number {
  return Math.log(Math.max(SMALLEST_RATE_RATIO, mean(targets)));
}
