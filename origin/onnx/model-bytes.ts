import { create, toBinary } from "@bufbuild/protobuf";
import type { Ensemble } from "../training/ensemble.ts";
import type { QuantileHead } from "../training/quantile-head.ts";
import { ModelProtoSchema } from "./generated/onnx_pb.js";
import { matrixInfo, node } from "./proto-builders.ts";
import { quantileHeadNodes } from "./quantile-head-nodes.ts";
import { treeEnsembleNode } from "./tree-ensemble-node.ts";

/** The names by which the graph is fed and read. */
export const MODEL_INPUT = "features";
export const MODEL_OUTPUT = "quantiles";

/**
 * ONNX 1.13 of 2022: the newest versions that give nothing we use stay out, so that older runtimes can read the file.
 */
const IR_VERSION = 8;
const OPSET_VERSION = 18;
const ML_OPSET_VERSION = 3;

/**
 * The model as an ONNX file: `features` float32 [rows, features] -> trees -> exp -> quantile head -> `quantiles`
 * float32 [rows, outputs * levels], for each output p10, p50, p90.
 *
 * The same model and metadata always give the same bytes.
 */
export function onnxModelBytes(
  ensemble: Ensemble,
  head: QuantileHead,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const { nodes, initializers } = quantileHeadNodes(head, "rates", MODEL_OUTPUT);
  const model = create(ModelProtoSchema, {
    irVersion: BigInt(IR_VERSION),
    producerName: "edge-demand-pricing",
    opsetImport: [
      { domain: "", version: BigInt(OPSET_VERSION) },
      { domain: "ai.onnx.ml", version: BigInt(ML_OPSET_VERSION) },
    ],
    graph: {
      name: "demand_quantiles",
      node: [
        treeEnsembleNode(ensemble, MODEL_INPUT, "log_rates"),
        node("Exp", ["log_rates"], "rates"),
        ...nodes,
      ],
      initializer: initializers,
      input: [matrixInfo(MODEL_INPUT, ensemble.featureNames.length)],
      output: [matrixInfo(MODEL_OUTPUT, head.flat().length)],
    },
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
  });
  return toBinary(ModelProtoSchema, model);
}
