import type { z } from "zod";
import { type ModelCard, type modelCardSchema, modelVersionOf } from "../../contract/model.ts";
import { FEATURE_SET_VERSION, HORIZONS_MS } from "../../domain/features.ts";
import { type EpochMs, MINUTE_MS } from "../../domain/units.ts";
import type { WalkForwardReport } from "../evaluation/walk-forward.ts";
import { loadOnnxModel } from "../onnx/inference.ts";
import { MODEL_INPUT, MODEL_OUTPUT, onnxModelBytes } from "../onnx/model-bytes.ts";
import type { Dataset } from "./dataset.ts";
import { type Ensemble, gainShares, scoresOf } from "./ensemble.ts";
import type { LearnedModel } from "./learn-model.ts";
import { type QuantileHead, quantilesOf } from "./quantile-head.ts";
import { featureRow } from "./training-matrix.ts";

/** What the card of a model trained here says beyond the contract: enough to train it again, and to judge it. */
export interface TrainedModelCard extends z.input<typeof modelCardSchema> {
  readonly training: ModelCard["training"] & {
    readonly nodes: number;
    /** The trees were not given these. */
    readonly withheld_features: readonly string[];
  };
  readonly evaluation: WalkForwardReport;
  /** For each horizon a curve a quantile. */
  readonly quantile_head: QuantileHead;
}

export interface ModelArtefact {
  readonly onnx: Uint8Array;
  readonly card: TrainedModelCard;
}

const GOLDEN_ROWS = 32;

/** How far ONNX Runtime may be from what was trained, relative to the value or to 1: float32 sums in another order. */
const TOLERANCE = 1e-5;

export function onnxBytesOf(
  { ensemble, head }: LearnedModel,
  seed: number,
  dataHash: string,
): Uint8Array {
  return onnxModelBytes(ensemble, head, {
    feature_set_version: FEATURE_SET_VERSION,
    horizons_minutes: HORIZONS_MS.map((horizonMs) => horizonMs / MINUTE_MS).join(","),
    seed: String(seed),
    data_sha256: dataHash,
  });
}

type Golden = TrainedModelCard["golden"];

/**
 * Rows of the training data, evenly spread over it, with what ONNX Runtime answers.
 *
 * Throws when that is not what the trees and the head say: such a file must not leave the house.
 */
export async function goldenRows(
  onnx: Uint8Array,
  { ensemble, head }: LearnedModel,
  { matrix }: Dataset,
): Promise<Golden> {
  const count = Math.min(GOLDEN_ROWS, matrix.rowCount);
  const rows = Array.from({ length: count }, (_, index) =>
    featureRow(matrix, Math.floor(((index + 0.5) * matrix.rowCount) / count)),
  );
  const model = await loadOnnxModel(onnx);
  const golden: Golden = [];
  try {
    for (const row of rows) {
      const quantiles = [...(await model.run(row))];
      const trained = quantilesOf(head, scoresOf(ensemble, row).map(Math.exp));
      requireSame(quantiles, trained);
      const features = Array.from(row, (value) => (Number.isNaN(value) ? null : value));
      golden.push({ features, quantiles });
    }
  } finally {
    await model.release();
  }
  return golden;
}

function requireSame(quantiles: readonly number[], trained: Float32Array): void {
  trained.forEach((expected, index) => {
    const found = quantiles[index] ?? Number.NaN;
    if (Math.abs(found - expected) <= TOLERANCE * Math.max(1, expected)) return;
    throw new Error(`the ONNX file answers ${found} where the trained model says ${expected}`);
  });
}

export interface CardFacts {
  readonly onnx: Uint8Array;
  readonly learned: LearnedModel;
  readonly createdAt: Date;
  readonly fromAt: EpochMs;
  readonly untilAt: EpochMs;
  readonly rows: number;
  readonly regions: number;
  readonly seed: number;
  readonly dataHash: string;
  readonly withheldFeatures: readonly string[];
  readonly evaluation: WalkForwardReport;
  readonly golden: Golden;
}

export function cardFrom(facts: CardFacts): TrainedModelCard {
  const { ensemble, head } = facts.learned;
  return {
    version: modelVersionOf(facts.onnx),
    created_at: facts.createdAt.toISOString(),
    feature_set_version: FEATURE_SET_VERSION,
    feature_names: [...ensemble.featureNames],
    horizons_minutes: HORIZONS_MS.map((horizonMs) => horizonMs / MINUTE_MS),
    input: `${MODEL_INPUT}: float32 [rows, ${ensemble.featureNames.length}], NaN where missing`,
    output: `${MODEL_OUTPUT}: float32 [rows, ${head.flat().length}], by horizon p10, p50, p90`,
    training: {
      from: new Date(facts.fromAt).toISOString(),
      until: new Date(facts.untilAt).toISOString(),
      rows: facts.rows,
      regions: facts.regions,
      seed: facts.seed,
      data_sha256: facts.dataHash,
      rounds: ensemble.roots.length,
      nodes: ensemble.features.length,
      withheld_features: facts.withheldFeatures,
    },
    evaluation: facts.evaluation,
    feature_importance: importanceOf(ensemble),
    quantile_head: head,
    golden: facts.golden,
  };
}

function importanceOf(ensemble: Ensemble): TrainedModelCard["feature_importance"] {
  const shares = gainShares(ensemble);
  return ensemble.featureNames
    .map((feature, index) => ({ feature, gain: shares[index] ?? 0 }))
    .sort((a, b) => b.gain - a.gain);
}
