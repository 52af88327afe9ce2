import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { MAX_VALUE_BINS } from "./bin-edges.ts";
import type { BoostedTrees, RoundReport } from "./boosting-loop.ts";
import {
  type BoostingSettings,
  type BoostingState,
  createBoostingState,
} from "./boosting-state.ts";
import type { BoostingThreadData, BoostingThreadMessage } from "./boosting-thread.ts";
import { type Ensemble, ensembleFrom } from "./ensemble.ts";
import type { TrainingMatrix } from "./training-matrix.ts";

export interface BoostOptions extends Partial<BoostingSettings> {
  readonly threads?: number;
  readonly onRound?: (report: RoundReport) => void;
  /** Ends training; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface Boosted {
  readonly ensemble: Ensemble;
  readonly rounds: readonly RoundReport[];
}

const DEFAULT_SETTINGS = {
  objective: { kind: "squared" },
  rounds: 100,
  maxDepth: 6,
  learningRate: 0.1,
  minChildHessian: 1,
  l2: 1,
  minGain: 0,
  rowSample: 1,
  columnSample: 1,
  maxBins: MAX_VALUE_BINS,
  seed: 1,
  earlyStoppingRounds: null,
} satisfies Omit<BoostingSettings, "trainRowCount">;

/**
 * Trains gradient-boosted trees (Friedman 2001; second-order gain of Chen and Guestrin 2016; histograms as in Ke et
 * al. 2017) whose leaves hold one number an output.
 *
 * The caller's thread only waits, so a service that trains goes on answering. The result depends on the data and the
 * settings, not on the number of threads.
 *
 * @throws RangeError for settings or data that cannot be trained on
 */
export async function boost(matrix: TrainingMatrix, options: BoostOptions = {}): Promise<Boosted> {
  const { threads = availableParallelism(), onRound, signal, ...chosen } = options;
  const settings = { ...DEFAULT_SETTINGS, trainRowCount: matrix.rowCount, ...chosen };
  requireTrainable(matrix, settings, threads);
  const threadCount = Math.min(threads, matrix.featureNames.length);
  const state = createBoostingState(matrix, settings, threadCount);
  const { trees, baseScores, rounds } = await runThreads(state, onRound, signal);
  return { ensemble: ensembleFrom(trees, matrix.featureNames, baseScores), rounds };
}

async function runThreads(
  state: BoostingState,
  onRound: ((report: RoundReport) => void) | undefined,
  signal: AbortSignal | undefined,
): Promise<BoostedTrees> {
  const workers = Array.from({ length: state.threadCount }, (_, thread) => {
    const workerData: BoostingThreadData = { state, thread };
    return new Worker(new URL("./boosting-thread.ts", import.meta.url), { workerData });
  });
  const { promise, resolve, reject } = Promise.withResolvers<BoostedTrees>();
  const abort = () => reject(signal?.reason);
  signal?.addEventListener("abort", abort);
  if (signal?.aborted === true) abort();
  for (const worker of workers) {
    worker.on("error", reject);
    worker.on("message", (message: BoostingThreadMessage) => {
      if (message.kind === "round") onRound?.(message.report);
      else resolve(message.result);
    });
  }
  try {
    return await promise;
  } finally {
    signal?.removeEventListener("abort", abort);
    // One that failed leaves the others waiting at a barrier for ever.
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

function requireTrainable(
  matrix: TrainingMatrix,
  settings: BoostingSettings,
  threads: number,
): void {
  const { trainRowCount, maxDepth, maxBins, rowSample, columnSample } = settings;
  const require = (holds: boolean, sentence: string) => {
    if (!holds) throw new RangeError(sentence);
  };
  require(threads >= 1, `training needs a thread at least, and was given ${threads}`);
  require(matrix.featureNames.length > 0, "there is no feature to train on");
  require(trainRowCount > 0 &&
    trainRowCount <=
      matrix.rowCount, `trainRowCount is ${trainRowCount} of ${matrix.rowCount} rows`);
  require(maxDepth >= 1 && maxDepth <= 12, `maxDepth must be 1 to 12, and is ${maxDepth}`);
  require(maxBins >= 2 &&
    maxBins <= MAX_VALUE_BINS, `maxBins must be 2 to ${MAX_VALUE_BINS}, and is ${maxBins}`);
  for (const share of [rowSample, columnSample]) {
    require(share > 0 && share <= 1, `samples are shares in (0, 1], and one is ${share}`);
  }
  require(settings.earlyStoppingRounds === null ||
    trainRowCount <
      matrix.rowCount, "early stopping needs rows after the training rows to judge by");
}
