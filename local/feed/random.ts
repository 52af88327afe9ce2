import { hash } from "node:crypto";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** Draws of one purpose; the next call gives the next draw. */
export interface Draws {
  /** A whole number from 0 to `bound` - 1. */
  below(bound: number): number;
  /** True with the given probability. */
  chance(probability: number): boolean;
  /** A real number in [from, to). */
  between(from: number, to: number): number;
}

/**
 * The draws that belong to `parts` (seed, purpose, region, minute): equal parts draw equally, whatever
 * was drawn before, and any other parts draw independently.
 *
 * The parts are hashed first because neighbouring seeds of the generator give neighbouring draws.
 */
export function drawsFor(...parts: readonly (string | number)[]): Draws {
  const seed = hash("sha256", parts.join("|"), "buffer").readInt32LE(0);
  const generator = xoroshiro128plus(seed);
  return {
    below: (bound) => uniformInt(generator, 0, bound - 1),
    chance: (probability) => uniformFloat64(generator) < probability,
    between: (from, to) => from + (to - from) * uniformFloat64(generator),
  };
}
