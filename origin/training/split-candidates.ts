import { noSplit, type Split } from "./best-split.ts";
import { CANDIDATE_HEAD, candidateStride } from "./boosting-state.ts";

/** Where threads lay the best splits among their features, and find those of the others. */
export interface SplitCandidates {
  put(thread: number, node: number, split: Split): void;
  /**
   * The best split of a node among all threads, or null when none found one. Equal gains go to the lower feature, so
   * the number of threads is no matter.
   */
  best(node: number): Split | null;
}

export function splitCandidates(
  shared: Float64Array,
  threadCount: number,
  outputCount: number,
): SplitCandidates {
  const stride = candidateStride(outputCount);
  const nodes = shared.length / (threadCount * stride);
  const placeOf = (thread: number, node: number) => (thread * nodes + node) * stride;
  return {
    put(thread, node, split) {
      const at = placeOf(thread, node);
      shared[at] = split.gain;
      shared[at + 1] = split.feature;
      shared[at + 2] = split.bin;
      shared[at + 3] = split.missingLeft ? 1 : 0;
      shared.set(split.left, at + CANDIDATE_HEAD);
    },
    best(node) {
      const best = noSplit(outputCount);
      for (let thread = 0; thread < threadCount; thread++) {
        const at = placeOf(thread, node);
        const gain = shared[at] ?? 0;
        const feature = shared[at + 1] ?? 0;
        const isFirst = best.feature < 0;
        const isBetter = gain > best.gain || (gain === best.gain && feature < best.feature);
        if (feature < 0 || !(isFirst || isBetter)) continue;
        best.gain = gain;
        best.feature = feature;
        best.bin = shared[at + 2] ?? 0;
        best.missingLeft = shared[at + 3] === 1;
        best.left.set(shared.subarray(at + CANDIDATE_HEAD, at + stride));
      }
      return best.feature < 0 ? null : best;
    },
  };
}
