import { improveSplit, noSplit, type Split } from "./best-split.ts";
import { type BoostingState, binsOf, orderedRows, widestLevel } from "./boosting-state.ts";
import { createNodeHistograms } from "./node-histograms.ts";
import { type Family, nodesOf, type OpenNode } from "./open-node.ts";
import { splitCandidates } from "./split-candidates.ts";

/** The best split of each node of a level that can split; null where no split gains enough. */
export type FindSplits = (
  families: readonly Family[],
  features: readonly number[],
) => { readonly parent: OpenNode; readonly split: Split | null }[];

/**
 * Finds splits as one of the threads that all call it alike.
 *
 * Each thread counts the histograms of its own features and lays down their best splits; after the meeting all choose
 * the same. A histogram is counted by one thread in row order, so its sums do not depend on the number of threads.
 */
export function createFindSplits(
  state: BoostingState,
  thread: number,
  meet: () => void,
): FindSplits {
  const { settings, threadCount, matrix } = state;
  const featuresPerThread = Math.ceil(matrix.featureNames.length / threadCount);
  const histograms = createNodeHistograms(
    widestLevel(settings.maxDepth),
    featuresPerThread,
    matrix.outputCount,
    (feature) => binsOf(state, feature),
  );
  const candidates = splitCandidates(state.candidates, threadCount, matrix.outputCount);

  function countFamily({ counted, derived }: Family, features: readonly number[]): void {
    const needsDerived = derived?.canSplit === true;
    if (!counted.canSplit && !needsDerived) return;
    histograms.count(counted.slot, features, counted, orderedRows(state, counted.level));
    if (needsDerived) histograms.subtractFrom(derived.slot, counted.slot, features.length);
  }

  function bestOf(node: OpenNode, features: readonly number[]): Split {
    const best = noSplit(matrix.outputCount);
    best.gain = settings.minGain;
    features.forEach((feature, index) => {
      const histogram = histograms.at(node.slot, index);
      const edgeCount = state.edgeCounts[feature] ?? 0;
      const hasMissing = state.hasMissing[feature] === 1;
      improveSplit(best, histogram, node.sums, feature, edgeCount, hasMissing, settings);
    });
    return best;
  }

  return (families, features) => {
    const own = features.filter((_, index) => index % threadCount === thread);
    for (const family of families) countFamily(family, own);
    const open = nodesOf(families).filter(({ canSplit }) => canSplit);
    open.forEach((node, index) => {
      candidates.put(thread, index, bestOf(node, own));
    });
    meet();
    return open.map((parent, index) => ({ parent, split: candidates.best(index) }));
  };
}
