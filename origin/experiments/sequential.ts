/**
 * Inference that stays valid however often somebody looks.
 *
 * An asymptotic confidence sequence (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory and
 * asymptotic confidence sequences", Annals of Statistics 2024, theorem 2.2), from the normal mixture of Robbins (1970). Its
 * p-value is that of the mixture sequential probability ratio test (Johari, Koomen, Pekelis and Walsh, "Always Valid Inference",
 * Operations Research 2022): with probability 1 - alpha none of the p-values ever seen is below alpha.
 */
import type { Estimate, Interval } from "./difference.ts";

/** How many users the intervals are tightest at, unless told otherwise: GrowthBook's default. */
export const DEFAULT_TUNED_FOR = 5_000;

export interface SequentialOptions {
  alpha: number;
  /** The number of users of both sides at which the interval is to be tightest; fixed before the experiment. */
  tunedFor: number;
}

/** Users behind an estimate, of both sides. */
export type Users = number;

/** The range that holds the true value at all times at once, in 1 - alpha of experiments. */
export function sequentialInterval(
  { value, standardError }: Estimate,
  users: Users,
  options: SequentialOptions,
): Interval {
  const reach = standardError * boundary(users, options);
  return { low: value - reach, high: value + reach };
}

/** The p-value that may be looked at, and acted on, at any time. */
export function sequentialPValue(
  { value, standardError }: Estimate,
  users: Users,
  options: SequentialOptions,
): number {
  if (standardError === 0) return value === 0 ? 1 : 0;
  const spread = users * mixtureVariance(options);
  const z = value / standardError;
  // 1 / likelihood ratio of the mixture: sqrt(1 + spread) exp(-z^2 spread / (2 (1 + spread))).
  return Math.min(1, Math.sqrt(1 + spread) * Math.exp((-(z ** 2) * spread) / (2 * (1 + spread))));
}

/** How many standard errors the interval reaches to each side. */
function boundary(users: Users, options: SequentialOptions): number {
  const spread = users * mixtureVariance(options);
  return Math.sqrt(((1 + spread) / spread) * Math.log((1 + spread) / options.alpha ** 2));
}

/** rho^2, chosen so that the boundary is least at `tunedFor` users: equation 161 of the paper, as GrowthBook has it. */
function mixtureVariance({ alpha, tunedFor }: SequentialOptions): number {
  const twice = -2 * Math.log(alpha);
  return (twice + Math.log(twice + 1)) / tunedFor;
}
