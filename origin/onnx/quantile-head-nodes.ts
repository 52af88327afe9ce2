import type { QuantileHead } from "../training/quantile-head.ts";
import type { NodeProto, TensorProto } from "./generated/onnx_pb.js";
import { floatTensor, intAttribute, intTensor, node } from "./proto-builders.ts";

export interface GraphPart {
  readonly nodes: NodeProto[];
  readonly initializers: TensorProto[];
}

/**
 * From rates [rows, outputs] to quantiles [rows, outputs * levels], as `quantilesOf` computes them.
 *
 * All curves are one matrix product: [rate, root of rate] times their coefficients plus their constants. Then each
 * quantile takes the maximum of itself and the ones below it. Few operators, for each costs about a microsecond
 * whatever it does.
 */
export function quantileHeadNodes(head: QuantileHead, rates: string, output: string): GraphPart {
  const levels = head[0]?.length ?? 0;
  const columns = head.flat();
  const coefficients = new Float32Array(2 * head.length * columns.length);
  columns.forEach(({ root, linear }, column) => {
    const own = Math.floor(column / levels);
    coefficients[own * columns.length + column] = linear;
    coefficients[(head.length + own) * columns.length + column] = root;
  });

  const sorted = Array.from({ length: levels - 1 }, (_, index) => {
    const steps = index + 1;
    const lower = columns.map((_, column) => column - Math.min(steps, column % levels));
    return { name: `lower_by_${steps}`, lower };
  });
  return {
    nodes: [
      node("Sqrt", [rates], "rate_roots"),
      node("Concat", [rates, "rate_roots"], "rate_terms", [intAttribute("axis", 1)]),
      node("Gemm", ["rate_terms", "curve_coefficients", "curve_constants"], "curves"),
      node("Relu", ["curves"], "non_negative"),
      ...sorted.map(({ name }) =>
        node("Gather", ["non_negative", `${name}_columns`], name, [intAttribute("axis", 1)]),
      ),
      node("Max", ["non_negative", ...sorted.map(({ name }) => name)], output),
    ],
    initializers: [
      floatTensor("curve_coefficients", [2 * head.length, columns.length], coefficients),
      floatTensor(
        "curve_constants",
        [columns.length],
        columns.map(({ constant }) => constant),
      ),
      ...sorted.map(({ name, lower }) => intTensor(`${name}_columns`, lower)),
    ],
  };
}
