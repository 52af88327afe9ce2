/**
 * A uniform number in [0, 1) that depends on the three integers alone.
 *
 * Drawing by position, not from a stream, lets any thread decide about any row without asking the others. The mixing
 * is the 32-bit finaliser of MurmurHash3, applied once per input.
 */
export function uniformAt(seed: number, round: number, index: number): number {
  return mix(mix(mix(seed) ^ round) ^ index) / 0x1_0000_0000;
}

/** `count` of the numbers 0 to `size` - 1, drawn without repetition and in ascending order. */
export function sampleIndexes(seed: number, round: number, size: number, count: number): number[] {
  const indexes = Array.from({ length: size }, (_, index) => index);
  const drawAt = new Float64Array(indexes.map((index) => uniformAt(~seed, round, index)));
  return indexes
    .sort((a, b) => (drawAt[a] ?? 0) - (drawAt[b] ?? 0) || a - b)
    .slice(0, count)
    .sort((a, b) => a - b);
}

function mix(value: number): number {
  let hash = (value + 0x9e3779b9) | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
