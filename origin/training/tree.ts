import { MISSING_BIN } from "./bin-edges.ts";

const BINS = MISSING_BIN + 1;

/** A node while training; a leaf as long as `split` is null. */
export interface TreeNode {
  split: NodeSplit | null;
  /** What a leaf adds to the scores, one float32 an output. */
  readonly values: Float32Array;
}

export interface NodeSplit {
  readonly feature: number;
  /** Bins up to this one go left, which is to say values up to `threshold`. */
  readonly bin: number;
  readonly threshold: number;
  readonly missingLeft: boolean;
  readonly gain: number;
  readonly left: TreeNode;
  readonly right: TreeNode;
}

export function leafNode(outputCount: number): TreeNode {
  return { split: null, values: new Float32Array(outputCount) };
}

/** Sends rows of a binned, column-major matrix to their leaves. */
export interface LeafFinder {
  /** The number of the leaf that a row falls into. */
  leafOf(row: number): number;
  /** What each leaf adds, one number an output. */
  readonly leafValues: Float32Array;
}

/**
 * Lays a tree out as a table from (split, bin) to the next node.
 *
 * Comparing would cost a branch a level that the processor guesses wrong half the time; a look-up costs none.
 */
export function leafFinder(root: TreeNode, bins: Uint8Array, rowCount: number): LeafFinder {
  const splits: NodeSplit[] = [];
  const leaves: TreeNode[] = [];
  const places = new Map<TreeNode, number>();
  const visit = (node: TreeNode): void => {
    if (node.split === null) {
      // Below zero, so that the way down ends there.
      places.set(node, ~leaves.length);
      leaves.push(node);
      return;
    }
    places.set(node, splits.length);
    splits.push(node.split);
    visit(node.split.left);
    visit(node.split.right);
  };
  visit(root);
  const columns = Int32Array.from(splits, ({ feature }) => feature * rowCount);
  const next = new Int32Array(splits.length * BINS);
  splits.forEach((split, index) => {
    const [left, right] = [places.get(split.left) ?? 0, places.get(split.right) ?? 0];
    const from = index * BINS;
    next.fill(left, from, from + split.bin + 1).fill(right, from + split.bin + 1, from + BINS);
    next[from + MISSING_BIN] = split.missingLeft ? left : right;
  });
  const leafValues = new Float32Array(leaves.length * root.values.length);
  leaves.forEach(({ values }, leaf) => {
    leafValues.set(values, leaf * values.length);
  });
  const start = places.get(root) ?? 0;
  return {
    leafValues,
    leafOf(row) {
      let place = start;
      while (place >= 0) {
        place = next[place * BINS + (bins[(columns[place] ?? 0) + row] ?? 0)] ?? 0;
      }
      return ~place;
    },
  };
}
