import { DAY_MS, type EpochMs, plus, WEEK_MS } from "../../domain/units.ts";
import { evaluateWalkForward, firstOrigin } from "../evaluation/evaluate-walk-forward.ts";
import { type WalkForwardReport, walkForward } from "../evaluation/walk-forward.ts";
import { loadOnnxModel } from "../onnx/inference.ts";
import { datasetFrom } from "./dataset.ts";
import { busiestRegions, type DemandHistory, knownStretch } from "./demand-history.ts";
import { type LearningOptions, learnModel } from "./learn-model.ts";
import { cardFrom, goldenRows, type ModelArtefact, onnxBytesOf } from "./model-artefact.ts";
import { matrixHash } from "./training-matrix.ts";

export interface TrainingOptions extends LearningOptions {
  readonly createdAt: Date;
  /** The model learns what ended by then; everything that is known when it is left out. */
  readonly untilAt?: EpochMs;
  /** How many regions judge the model, the busiest ones. */
  readonly evaluatedRegions: number;
}

/** How long a model is judged, and the least that the history must go on after training to judge by what came. */
const EVALUATION_MS = 2 * WEEK_MS;
const LEAST_EVALUATION_MS = DAY_MS;

/** Of a short history, this share is left to judge by. */
const EVALUATION_SHARE = 0.3;

/**
 * Trains a model and writes its card.
 *
 * The card's evaluation is always of hours that the judged model had not seen. Where the history goes on after
 * `untilAt`, it judges this model on what came; where it does not, it judges a model trained alike on all but the
 * last two weeks.
 *
 * @throws RangeError when the history is too short to learn from
 */
export async function trainModel(
  history: DemandHistory,
  options: TrainingOptions,
  onProgress: (share: number) => void = () => undefined,
): Promise<ModelArtefact> {
  const { seed, withheldFeatures, createdAt } = options;
  const fromAt = firstOrigin(history);
  const untilAt = options.untilAt ?? knownStretch(history).endAt;
  const dataset = datasetFrom(history.regions, { fromAt, untilAt }, (share) =>
    onProgress(0.05 * share),
  );
  const learned = await learnModel(dataset, untilAt, options, (share) =>
    onProgress(0.05 + 0.45 * share),
  );
  const dataHash = matrixHash(dataset.matrix);
  const onnx = onnxBytesOf(learned, seed, dataHash);
  const evaluation = await evaluate(onnx, history, { ...options, untilAt }, (share) =>
    onProgress(0.5 + 0.5 * share),
  );
  const card = cardFrom({
    onnx,
    learned,
    createdAt,
    fromAt,
    untilAt,
    rows: dataset.matrix.rowCount,
    regions: history.regions.length,
    seed,
    dataHash,
    withheldFeatures,
    evaluation,
    golden: await goldenRows(onnx, learned, dataset),
  });
  return { onnx, card };
}

async function evaluate(
  onnx: Uint8Array,
  history: DemandHistory,
  options: TrainingOptions & { readonly untilAt: EpochMs },
  onProgress: (share: number) => void,
): Promise<WalkForwardReport> {
  const { untilAt, evaluatedRegions } = options;
  const { startAt, endAt } = knownStretch(history);
  if (endAt - untilAt < LEAST_EVALUATION_MS) {
    const width = Math.min(EVALUATION_MS, EVALUATION_SHARE * (untilAt - startAt));
    const range = { fromAt: plus(untilAt, -Math.floor(width / DAY_MS) * DAY_MS), untilAt };
    return evaluateWalkForward(
      history,
      { ...options, ...range, regions: evaluatedRegions },
      onProgress,
    );
  }
  const model = await loadOnnxModel(onnx);
  try {
    const regions = busiestRegions(history, evaluatedRegions, untilAt);
    const range = { fromAt: untilAt, untilAt: Math.min(endAt, untilAt + EVALUATION_MS) as EpochMs };
    return await walkForward(model, regions, range, onProgress);
  } finally {
    await model.release();
  }
}
