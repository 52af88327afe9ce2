import { type Ensemble, LEAF } from "../training/ensemble.ts";
import type { NodeProto } from "./generated/onnx_pb.js";
import {
  floatsAttribute,
  intAttribute,
  intsAttribute,
  node,
  stringAttribute,
  stringsAttribute,
} from "./proto-builders.ts";

/**
 * The trees as one TreeEnsembleRegressor, from a row of features to a score an output.
 *
 * The operator lists nodes and leaf weights as parallel arrays; a node is named by its tree and its place in the tree.
 */
export function treeEnsembleNode(ensemble: Ensemble, input: string, output: string): NodeProto {
  const { features, lefts, rights, roots, outputCount } = ensemble;
  const places = Array.from(features.keys());
  const trees = treeOfEachNode(ensemble);
  const inTree = (place: number) => place - (roots[trees[place] ?? 0] ?? 0);
  const isLeaf = (place: number) => features[place] === LEAF;
  const childOf = (children: Uint32Array) =>
    places.map((place) => (isLeaf(place) ? 0 : inTree(children[place] ?? 0)));

  const weights = places
    .filter(isLeaf)
    .flatMap((place) => Array.from({ length: outputCount }, (_, output) => ({ place, output })));
  return node(
    "TreeEnsembleRegressor",
    [input],
    output,
    [
      intAttribute("n_targets", outputCount),
      stringAttribute("aggregate_function", "SUM"),
      stringAttribute("post_transform", "NONE"),
      floatsAttribute("base_values", ensemble.baseScores),
      intsAttribute("nodes_treeids", trees),
      intsAttribute("nodes_nodeids", places.map(inTree)),
      intsAttribute(
        "nodes_featureids",
        features.map((feature) => Math.max(0, feature)),
      ),
      floatsAttribute("nodes_values", ensemble.thresholds),
      stringsAttribute(
        "nodes_modes",
        places.map((place) => (isLeaf(place) ? "LEAF" : "BRANCH_LEQ")),
      ),
      intsAttribute("nodes_truenodeids", childOf(lefts)),
      intsAttribute("nodes_falsenodeids", childOf(rights)),
      intsAttribute(
        "nodes_missing_value_tracks_true",
        places.map((place) => (isLeaf(place) ? 0 : (ensemble.missingLefts[place] ?? 0))),
      ),
      intsAttribute(
        "target_treeids",
        weights.map(({ place }) => trees[place] ?? 0),
      ),
      intsAttribute(
        "target_nodeids",
        weights.map(({ place }) => inTree(place)),
      ),
      intsAttribute(
        "target_ids",
        weights.map(({ output }) => output),
      ),
      floatsAttribute(
        "target_weights",
        weights.map(({ place, output }) => ensemble.values[place * outputCount + output] ?? 0),
      ),
    ],
    "ai.onnx.ml",
  );
}

function treeOfEachNode({ roots, features }: Ensemble): Uint32Array {
  const trees = new Uint32Array(features.length);
  roots.forEach((root, tree) => {
    trees.fill(tree, root);
  });
  return trees;
}
