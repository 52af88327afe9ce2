import { hessianOf } from "./best-split.ts";
import type { BoostingSettings } from "./boosting-state.ts";
import type { RowRange } from "./row-partition.ts";
import type { TreeNode } from "./tree.ts";

/** A node of a growing tree with the rows that it holds; its level says which of the two row orders they are in. */
export interface NodeRows extends RowRange {
  readonly node: TreeNode;
  readonly level: number;
  /** (gradient, hessian) sums, a pair an output. */
  readonly sums: Float64Array;
}

/** A node of the level in hand, and the slot of its histograms. */
export interface OpenNode extends NodeRows {
  readonly slot: number;
  readonly canSplit: boolean;
}

/** Siblings: the one with fewer rows is counted, the other is what their parent has more. */
export interface Family {
  readonly counted: OpenNode;
  readonly derived: OpenNode | null;
}

export function openNode(rows: NodeRows, slot: number, settings: BoostingSettings): OpenNode {
  const canSplit =
    rows.level < settings.maxDepth && hessianOf(rows.sums) >= 2 * settings.minChildHessian;
  return { ...rows, slot, canSplit };
}

export function nodesOf(families: readonly Family[]): OpenNode[] {
  return families.flatMap(({ counted, derived }) =>
    derived === null ? [counted] : [counted, derived],
  );
}
