/**
 * Whether users are split as the weights say, without a distribution function: Pearson's chi-squared beside its upper 0.1 %
 * point. The origin's analysis tells the p-value.
 */

/** By degrees of freedom, from 1 (NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.4). */
const UPPER_THOUSANDTH = [
  ...[10.828, 13.816, 16.266, 18.467, 20.515, 22.458, 24.322, 26.125, 27.877, 29.588],
  ...[31.264, 32.91, 34.528, 36.123, 37.697, 39.252, 40.79, 42.312, 43.82],
];

/** Users of each variant beside its weight. True where chance does so in one of a thousand experiments, or less often. */
export function isSampleRatioMismatch(
  variants: readonly { users: number; weight: number }[],
): boolean {
  const users = variants.reduce((sum, variant) => sum + variant.users, 0);
  const weights = variants.reduce((sum, { weight }) => sum + weight, 0);
  const chiSquared = variants.reduce((sum, variant) => {
    const expected = (users * variant.weight) / weights;
    return expected === 0 ? sum : sum + (variant.users - expected) ** 2 / expected;
  }, 0);
  const bound = UPPER_THOUSANDTH[variants.length - 2];
  return bound !== undefined && chiSquared > bound;
}
