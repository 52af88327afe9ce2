import type { Split } from "./best-split.ts";
import { type BoostingState, binsOf, orderedRows } from "./boosting-state.ts";
import type { OpenNode } from "./open-node.ts";
import { countLeft, leftBins, moveRows, partOf } from "./row-partition.ts";

export interface Division {
  readonly parent: OpenNode;
  readonly split: Split;
}

/** Sends the rows of each node to its children; answers how many of them went left. */
export type DivideRows = (divisions: readonly Division[]) => number[];

/**
 * Divides rows as one of the threads that all call it alike: each counts and then moves its part of every node's
 * rows, and rows keep their order, so the outcome does not depend on the number of threads.
 */
export function createDivideRows(
  state: BoostingState,
  thread: number,
  meet: () => void,
): DivideRows {
  const { threadCount, leftCounts } = state;
  return (divisions) => {
    const moves = divisions.map(({ parent, split }) => ({
      parent,
      part: partOf(parent, thread, threadCount),
      bins: binsOf(state, split.feature),
      goesLeft: leftBins(split.bin, split.missingLeft),
    }));
    moves.forEach(({ parent, part, bins, goesLeft }, index) => {
      const { order } = orderedRows(state, parent.level);
      leftCounts[index * threadCount + thread] = countLeft(part, bins, goesLeft, order);
    });
    meet();
    const lefts = moves.map(({ parent, part, bins, goesLeft }, index) => {
      const counts = leftCounts.subarray(index * threadCount, (index + 1) * threadCount);
      const left = sumOf(counts);
      const leftBefore = sumOf(counts.subarray(0, thread));
      const rightBefore = part.begin - parent.begin - leftBefore;
      moveRows(
        part,
        bins,
        goesLeft,
        orderedRows(state, parent.level),
        orderedRows(state, parent.level + 1),
        parent.begin + leftBefore,
        parent.begin + left + rightBefore,
      );
      return left;
    });
    meet();
    return lefts;
  };
}

function sumOf(counts: Int32Array): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
