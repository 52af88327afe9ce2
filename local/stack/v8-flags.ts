/**
 * How the local runtime collects garbage. Every collection marks the whole heap and sweeps what requests left behind.
 *
 * `--gc-global`: otherwise dead requests are swept all at once now and then, which stops everything for 100 ms. The young generation
 * of 2 MB, where V8 begins with 1, has it happen half as often; with 4 MB it would be a quarter, and each would take longer.
 * docs/decisions/0014-the-price-of-a-price.md has the figures.
 */
export const V8_FLAGS: readonly string[] = [
  "--gc-global",
  "--min-semi-space-size=2",
  "--max-semi-space-size=2",
];
