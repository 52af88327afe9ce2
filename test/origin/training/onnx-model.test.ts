import { fromBinary } from "@bufbuild/protobuf";
import { beforeAll, describe, expect, test } from "vitest";
import { ModelProtoSchema } from "../../../origin/onnx/generated/onnx_pb.js";
import { loadOnnxModel, type OnnxModel } from "../../../origin/onnx/inference.ts";
import { onnxModelBytes } from "../../../origin/onnx/model-bytes.ts";
import { boost } from "../../../origin/training/boost.ts";
import { type Ensemble, scoresOf } from "../../../origin/training/ensemble.ts";
import { quantilesOf } from "../../../origin/training/quantile-head.ts";
import { featureRow } from "../../../origin/training/training-matrix.ts";
import { poissonCount, sampleMatrix } from "./training-samples.ts";

const FEATURES = 6;
/** The curves of the second output cross, so that their order has to be enforced. */
const HEAD = [
  [
    { constant: -0.4, root: -1.1, linear: 1 },
    { constant: -0.3, root: 0, linear: 1 },
    { constant: 0.3, root: 1.3, linear: 1 },
  ],
  [
    { constant: 3, root: 0, linear: 1 },
    { constant: 1, root: 0, linear: 1 },
    { constant: 2, root: 0, linear: 0.5 },
  ],
];

const matrix = sampleMatrix(
  { rows: 3_000, features: FEATURES, outputs: 2, missing: 0.15 },
  ([first = 0, second = 0], draw, output) =>
    poissonCount(1 + 8 * first * second + (output === 1 && first > 0.5 ? 3 : 0), draw),
);
let ensemble: Ensemble;
let bytes: Uint8Array;
let model: OnnxModel;
beforeAll(async () => {
  const objective = { kind: "poisson" } as const;
  ({ ensemble } = await boost(matrix, { objective, rounds: 60, maxDepth: 5, threads: 2 }));
  bytes = onnxModelBytes(ensemble, HEAD, { seed: "1" });
  model = await loadOnnxModel(bytes);
});

/** What was trained says of a row. */
const trained = (row: number) =>
  quantilesOf(HEAD, scoresOf(ensemble, featureRow(matrix, row)).map(Math.exp));

const expectClose = (found: Float32Array, expected: Float32Array) => {
  expect(found).toHaveLength(expected.length);
  expected.forEach((value, index) => {
    expect(Math.abs((found[index] ?? 0) - value)).toBeLessThanOrEqual(1e-5 * Math.max(1, value));
  });
};

describe("the exported model, in ONNX Runtime", () => {
  test("answers every training row, missing values among them, as the trees do", async () => {
    const rows = new Float32Array(matrix.rowCount * FEATURES);
    const expected = new Float32Array(matrix.rowCount * 6);
    for (let row = 0; row < matrix.rowCount; row++) {
      rows.set(featureRow(matrix, row), row * FEATURES);
      expected.set(trained(row), row * 6);
    }
    expectClose(await model.run(rows), expected);
  });

  test("agrees at a threshold itself, where the comparison decides", async () => {
    const row = Float32Array.from({ length: FEATURES }, (_, feature) => {
      const node = ensemble.features.indexOf(feature);
      return ensemble.thresholds[node] ?? 0;
    });
    expectClose(await model.run(row), quantilesOf(HEAD, scoresOf(ensemble, row).map(Math.exp)));
  });

  test("orders the quantiles where curves cross", async () => {
    const [, , , p10 = 0, p50 = 0, p90 = 0] = await model.run(featureRow(matrix, 0));
    expect(p10).toBeGreaterThan(3);
    expect([p50, p90]).toEqual([p10, p10]);
  });

  test("answers calls that overlap, each its own", async () => {
    const rows = Array.from({ length: 40 }, (_, row) => row);
    const answers = await Promise.all(rows.map((row) => model.run(featureRow(matrix, row))));
    answers.forEach((answer, row) => {
      expectClose(answer, trained(row));
    });
  });

  test("goes on answering after a call that failed", async () => {
    await expect(model.run(new Float32Array(FEATURES + 1))).rejects.toThrow();
    expectClose(await model.run(featureRow(matrix, 1)), trained(1));
  });
});

describe("onnxModelBytes()", () => {
  test("gives the same bytes for the same model", () => {
    expect(onnxModelBytes(ensemble, HEAD, { seed: "1" })).toEqual(bytes);
  });

  test("carries its metadata, and names the columns of its input", async () => {
    const { metadataProps } = fromBinary(ModelProtoSchema, bytes);
    expect(metadataProps).toMatchObject([{ key: "seed", value: "1" }]);
    expect(model.featureCount).toBe(FEATURES);
  });
});

test("loadOnnxModel() refuses what is not a model", async () => {
  await expect(loadOnnxModel(Uint8Array.of(1, 2, 3))).rejects.toThrow();
});
