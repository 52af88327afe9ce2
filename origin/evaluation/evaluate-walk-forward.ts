import { DAY_MS, type EpochMs, plus } from "../../domain/units.ts";
import { loadOnnxModel } from "../onnx/inference.ts";
import { datasetFrom } from "../training/dataset.ts";
import { busiestRegions, type DemandHistory, knownStretch } from "../training/demand-history.ts";
import { type LearningOptions, learnModel } from "../training/learn-model.ts";
import { onnxBytesOf } from "../training/model-artefact.ts";
import { type WalkForwardReport, walkForward } from "./walk-forward.ts";

export interface EvaluationOptions extends LearningOptions {
  /** The model learns what lies before, and is judged on what lies between. */
  readonly fromAt: EpochMs;
  readonly untilAt: EpochMs;
  /** How many regions judge, the busiest before `fromAt`. */
  readonly regions: number;
}

/** The first day has nothing behind it to forecast from. */
export function firstOrigin(history: DemandHistory): EpochMs {
  return plus(knownStretch(history).startAt, DAY_MS);
}

/**
 * Trains once on what lies before `fromAt`, then walks forward to `untilAt` from actuals known at each quarter hour.
 */
export async function evaluateWalkForward(
  history: DemandHistory,
  options: EvaluationOptions,
  onProgress: (share: number) => void = () => undefined,
): Promise<WalkForwardReport> {
  const { fromAt, untilAt, seed } = options;
  const past = { fromAt: firstOrigin(history), untilAt: fromAt };
  const dataset = datasetFrom(history.regions, past, (share) => onProgress(0.1 * share));
  const learned = await learnModel(dataset, fromAt, options, (share) =>
    onProgress(0.1 + 0.8 * share),
  );
  const onnx = onnxBytesOf(learned, seed, "");
  const model = await loadOnnxModel(onnx);
  try {
    const regions = busiestRegions(history, options.regions, fromAt);
    return await walkForward(model, regions, { fromAt, untilAt }, (share) =>
      onProgress(0.9 + 0.1 * share),
    );
  } finally {
    await model.release();
  }
}
