import type { TreeNode } from "./tree.ts";

/** Marks a leaf in `Ensemble.features`. */
export const LEAF = -1;

/**
 * Trees as flat arrays, a place a node, children after their parent; leaves hold the same float32 numbers that ONNX
 * adds up.
 */
export interface Ensemble {
  readonly featureNames: readonly string[];
  readonly outputCount: number;
  readonly baseScores: Float32Array;
  /** The root of each tree; trees follow each other. */
  readonly roots: Uint32Array;
  /** The feature that a node splits on, or LEAF. */
  readonly features: Int32Array;
  /** Values up to this one go left. */
  readonly thresholds: Float32Array;
  readonly lefts: Uint32Array;
  readonly rights: Uint32Array;
  /** 1 where missing values go left. */
  readonly missingLefts: Uint8Array;
  readonly gains: Float32Array;
  /** What a leaf adds, one number an output; zeros at splits. */
  readonly values: Float32Array;
}

export function ensembleFrom(
  trees: readonly TreeNode[],
  featureNames: readonly string[],
  baseScores: Float32Array,
): Ensemble {
  const outputCount = baseScores.length;
  const nodes: TreeNode[] = [];
  const places = new Map<TreeNode, number>();
  const visit = (node: TreeNode) => {
    places.set(node, nodes.length);
    nodes.push(node);
    if (node.split === null) return;
    visit(node.split.left);
    visit(node.split.right);
  };
  trees.forEach(visit);

  const placeOf = (node: TreeNode | undefined) => (node && places.get(node)) ?? 0;
  const values = new Float32Array(nodes.length * outputCount);
  nodes.forEach((node, place) => {
    if (node.split === null) values.set(node.values, place * outputCount);
  });
  return {
    featureNames,
    outputCount,
    baseScores,
    roots: Uint32Array.from(trees, placeOf),
    features: Int32Array.from(nodes, ({ split }) => split?.feature ?? LEAF),
    thresholds: Float32Array.from(nodes, ({ split }) => split?.threshold ?? 0),
    lefts: Uint32Array.from(nodes, ({ split }) => placeOf(split?.left)),
    rights: Uint32Array.from(nodes, ({ split }) => placeOf(split?.right)),
    missingLefts: Uint8Array.from(nodes, ({ split }) => (split?.missingLeft === false ? 0 : 1)),
    gains: Float32Array.from(nodes, ({ split }) => split?.gain ?? 0),
    values,
  };
}

/**
 * The scores of one row, on the link scale.
 *
 * Adds in float32, tree after tree and the base score last, as ONNX Runtime does, so that both give the same bits.
 */
export function scoresOf(ensemble: Ensemble, features: Float32Array): Float32Array {
  const { outputCount, values } = ensemble;
  const scores = new Float32Array(outputCount);
  for (const root of ensemble.roots) {
    const at = leafAt(ensemble, root, features) * outputCount;
    for (let output = 0; output < outputCount; output++) {
      scores[output] = (scores[output] ?? 0) + (values[at + output] ?? 0);
    }
  }
  return scores.map((score, output) => score + (ensemble.baseScores[output] ?? 0));
}

/** The share of all gain that each feature brought, by feature, summing up to 1 unless no tree has a split. */
export function gainShares(ensemble: Ensemble): Float64Array {
  const shares = new Float64Array(ensemble.featureNames.length);
  let total = 0;
  ensemble.features.forEach((feature, node) => {
    if (feature === LEAF) return;
    const gain = ensemble.gains[node] ?? 0;
    shares[feature] = (shares[feature] ?? 0) + gain;
    total += gain;
  });
  return total > 0 ? shares.map((share) => share / total) : shares;
}

function leafAt(ensemble: Ensemble, root: number, row: Float32Array): number {
  const { features, thresholds, lefts, rights, missingLefts } = ensemble;
  let node = root;
  for (let feature = features[node] ?? LEAF; feature !== LEAF; feature = features[node] ?? LEAF) {
    const value = row[feature] ?? Number.NaN;
    const goesLeft = Number.isNaN(value)
      ? missingLefts[node] === 1
      : value <= (thresholds[node] ?? 0);
    node = (goesLeft ? lefts[node] : rights[node]) ?? 0;
  }
  return node;
}
