/**
 * How the local runtime collects garbage: with `--gc-global` every collection is of the whole heap. Otherwise dead requests are swept
 * all at once now and then, which stops everything for 100 ms. A larger young generation makes single prices cheaper and batches dearer:
 * docs/decisions/0014-the-price-of-a-price.md has the figures.
 */
export const V8_FLAGS: readonly string[] = ["--gc-global"];
