import { DAY_MS, type EpochMs, WEEK_MS } from "../../domain/units.ts";
import { boost } from "./boost.ts";
import type { BoostingSettings } from "./boosting-state.ts";
import { type Dataset, rowsKnownAt } from "./dataset.ts";
import { type Ensemble, scoresOf } from "./ensemble.ts";
import { fitQuantileHead, type JudgedRates } from "./fit-quantile-head.ts";
import type { QuantileHead } from "./quantile-head.ts";
import { featureRow, firstRows, type TrainingMatrix } from "./training-matrix.ts";

/** Trees for the rates, and the head that makes quantiles of them. */
export interface LearnedModel {
  readonly ensemble: Ensemble;
  readonly head: QuantileHead;
  readonly rounds: number;
}

export interface LearningOptions {
  readonly seed: number;
  readonly threads?: number;
  /** Features that the trees must do without. */
  readonly withheldFeatures: readonly string[];
}

/**
 * Tried on New York, walking forward from 4 and from 18 May 2014: trees beyond this number or depth gained nothing, and
 * would cost the edge time on every forecast. Nearby settings differ by less than one fortnight does from the next.
 */
export const TREE_SETTINGS = {
  objective: { kind: "poisson" },
  rounds: 200,
  maxDepth: 5,
  learningRate: 0.06,
  minChildHessian: 200,
  l2: 1,
  rowSample: 0.6,
  columnSample: 0.25,
  earlyStoppingRounds: 30,
} as const satisfies Partial<BoostingSettings>;

/** With less, no row knows what is usual in its hour of the week. */
const LEAST_KNOWN_MS = WEEK_MS;

/** The end of the known time that judges trees and calibrates the head; never more than a fifth of it. */
const CALIBRATION_MS = WEEK_MS;
const CALIBRATION_SHARE = 0.2;

/**
 * Learns from the rows whose targets were known at `untilAt`.
 *
 * Trees grown on all but the last week are judged on that week: it decides how many there should be, and on their
 * forecasts of it, which they were not trained on, the quantile head is fitted. Then as many trees are grown on all
 * rows.
 *
 * @throws RangeError when less than a week is known
 */
export async function learnModel(
  dataset: Dataset,
  untilAt: EpochMs,
  options: LearningOptions,
  onProgress: (share: number) => void,
): Promise<LearnedModel> {
  const { seed, threads, withheldFeatures } = options;
  requireLongEnough(dataset, untilAt);
  const matrix = withheld(
    firstRows(dataset.matrix, rowsKnownAt(dataset, untilAt)),
    withheldFeatures,
  );
  const trainRowCount = rowsKnownAt(dataset, calibrationStart(dataset, untilAt));
  const common = { ...TREE_SETTINGS, seed, ...(threads === undefined ? {} : { threads }) };
  const progressOf = (part: number) => (round: number, rounds: number) =>
    onProgress((part + round / rounds) / 2);

  const judged = await boost(matrix, {
    ...common,
    trainRowCount,
    onRound: ({ round }) => progressOf(0)(round, common.rounds),
  });
  const head = fitQuantileHead(judgedRates(judged.ensemble, matrix, trainRowCount));
  const rounds = judged.ensemble.roots.length;
  const { ensemble } = await boost(matrix, {
    ...common,
    rounds,
    earlyStoppingRounds: null,
    onRound: ({ round }) => progressOf(1)(round, rounds),
  });
  return { ensemble, head, rounds };
}

function requireLongEnough({ origins }: Dataset, untilAt: EpochMs): void {
  const knownMs = untilAt - (origins[0] ?? untilAt);
  if (knownMs >= LEAST_KNOWN_MS) return;
  const days = (knownMs / DAY_MS).toFixed(1);
  throw new RangeError(
    `learning needs a week of forecasts to judge at least, and there are ${days} days`,
  );
}

function calibrationStart({ origins }: Dataset, untilAt: EpochMs): EpochMs {
  const firstAt = origins[0] ?? untilAt;
  const share = CALIBRATION_SHARE * (untilAt - firstAt);
  return (untilAt - Math.min(CALIBRATION_MS, share)) as EpochMs;
}

/** The matrix with some features missing throughout, so that no tree can split on them. */
function withheld(matrix: TrainingMatrix, names: readonly string[]): TrainingMatrix {
  for (const name of names) {
    const feature = matrix.featureNames.indexOf(name);
    if (feature < 0) throw new RangeError(`there is no feature ${name} to withhold`);
    const from = feature * matrix.rowCount;
    matrix.values.fill(Number.NaN, from, from + matrix.rowCount);
  }
  return matrix;
}

/** What an ensemble says of the rows after `firstRow`, and what came, by output. */
function judgedRates(ensemble: Ensemble, matrix: TrainingMatrix, firstRow: number): JudgedRates[] {
  const { outputCount, rowCount } = matrix;
  const judged = Array.from({ length: outputCount }, () => ({
    rates: new Float64Array(rowCount - firstRow),
    targets: new Float64Array(rowCount - firstRow),
  }));
  for (let row = firstRow; row < rowCount; row++) {
    const scores = scoresOf(ensemble, featureRow(matrix, row));
    judged.forEach(({ rates, targets }, output) => {
      rates[row - firstRow] = Math.exp(scores[output] ?? 0);
      targets[row - firstRow] = matrix.targets[row * outputCount + output] ?? 0;
    });
  }
  return judged;
}
