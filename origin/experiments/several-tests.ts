/** p-values of several comparisons, raised so that having many of them does not make chance look like an effect. */

/** Holm (1979): the chance of any false alarm stays below alpha. In the order given. */
export function holmAdjusted(pValues: readonly number[]): number[] {
  const ranked = ranks(pValues);
  let least = 0;
  const adjusted = new Array<number>(pValues.length);
  ranked.forEach(([pValue, place], rank) => {
    least = Math.max(least, Math.min(1, pValue * (pValues.length - rank)));
    adjusted[place] = least;
  });
  return adjusted;
}

/** Benjamini and Hochberg (1995): of what is called an effect, at most a share of alpha is none. In the order given. */
export function benjaminiHochbergAdjusted(pValues: readonly number[]): number[] {
  let most = 1;
  const adjusted = new Array<number>(pValues.length);
  const ranked = ranks(pValues);
  for (let rank = ranked.length - 1; rank >= 0; rank--) {
    const [pValue, place] = ranked[rank] ?? [1, rank];
    most = Math.min(most, (pValue * pValues.length) / (rank + 1));
    adjusted[place] = most;
  }
  return adjusted;
}

/** The values with their places, the smallest first. */
function ranks(pValues: readonly number[]): [pValue: number, place: number][] {
  const placed = pValues.map((pValue, place): [number, number] => [pValue, place]);
  return placed.sort(([one], [other]) => one - other);
}
