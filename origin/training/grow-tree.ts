import { MAX_VALUE_BINS } from "./bin-edges.ts";
import type { BoostingState } from "./boosting-state.ts";
import { createDivideRows, type Division } from "./divide-rows.ts";
import { createFindSplits } from "./find-splits.ts";
import { type Family, type NodeRows, nodesOf, type OpenNode, openNode } from "./open-node.ts";
import { leafNode, type NodeSplit } from "./tree.ts";

/** Grows a tree from its root's rows, using some of the features, and answers its leaves. */
export type GrowTree = (root: NodeRows, features: readonly number[]) => NodeRows[];

/**
 * Grows trees level by level, as one of the threads that all call it alike and come to the same tree.
 *
 * @param keepsLeafRows whether leaves must know their rows, or only the sums over them
 */
export function createGrowTree(
  state: BoostingState,
  thread: number,
  meet: () => void,
  keepsLeafRows: boolean,
): GrowTree {
  const { settings, edges } = state;
  const findSplits = createFindSplits(state, thread, meet);
  const divideRows = createDivideRows(state, thread, meet);

  function splitNode({ parent, split }: Division): NodeSplit {
    const { feature, bin, missingLeft, gain } = split;
    const threshold = edges[feature * MAX_VALUE_BINS + bin] ?? 0;
    const outputCount = parent.node.values.length;
    const [left, right] = [leafNode(outputCount), leafNode(outputCount)];
    parent.node.split = { feature, bin, threshold, missingLeft, gain, left, right };
    return parent.node.split;
  }

  /** The children of a node that was split: the smaller one is counted, in a slot of its own. */
  function familyOf(division: Division, leftCount: number, freeSlot: number): Family {
    const { parent, split } = division;
    const { begin, end } = parent;
    const { left, right } = splitNode(division);
    const level = parent.level + 1;
    const middle = begin + leftCount;
    const rightSums = parent.sums.map((sum, index) => sum - (split.left[index] ?? 0));
    const leftRows = { node: left, level, sums: split.left, begin, end: middle };
    const rightRows = { node: right, level, sums: rightSums, begin: middle, end };
    const [fewer, more] = leftCount < end - middle ? [leftRows, rightRows] : [rightRows, leftRows];
    return {
      counted: openNode(fewer, freeSlot, settings),
      derived: openNode(more, parent.slot, settings),
    };
  }

  return (root, features) => {
    let families: Family[] = [{ counted: openNode(root, 0, settings), derived: null }];
    let usedSlots = 1;
    const leaves: OpenNode[] = [];
    for (let level = 0; families.length > 0; level++) {
      leaves.push(...nodesOf(families).filter(({ canSplit }) => !canSplit));
      const divisions: Division[] = [];
      for (const { parent, split } of findSplits(families, features)) {
        if (split === null) leaves.push(parent);
        else divisions.push({ parent, split });
      }
      const rowsAreUsed = keepsLeafRows || level + 1 < settings.maxDepth;
      const leftCounts = rowsAreUsed ? divideRows(divisions) : [];
      families = divisions.map((division, index) =>
        familyOf(division, leftCounts[index] ?? 0, usedSlots + index),
      );
      usedSlots += divisions.length;
    }
    return leaves;
  };
}
