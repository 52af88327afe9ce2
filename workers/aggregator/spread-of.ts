/** A number below `range` that a name always has: it keeps regions from writing all at the same moment. */
export function spreadOf(name: string, range: number): number {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + character.charCodeAt(0)) % range;
  return hash;
}
