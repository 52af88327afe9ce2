import { MAX_VALUE_BINS } from "./bin-edges.ts";
import type { ObjectiveChoice } from "./objective.ts";
import type { OrderedRows } from "./row-partition.ts";
import { BARRIER_WORDS } from "./thread-barrier.ts";
import type { TrainingMatrix } from "./training-matrix.ts";

export interface BoostingSettings {
  readonly objective: ObjectiveChoice;
  /** The number of trees, unless early stopping ends sooner. */
  readonly rounds: number;
  /** The most splits between a root and a leaf. */
  readonly maxDepth: number;
  readonly learningRate: number;
  /** The least sum of second derivatives in a child, averaged over the outputs. */
  readonly minChildHessian: number;
  /** Added to the sum of second derivatives of a leaf. */
  readonly l2: number;
  /** The least improvement of the loss for a split to be made. */
  readonly minGain: number;
  /** The share of rows that a tree sees, and the share of features. */
  readonly rowSample: number;
  readonly columnSample: number;
  readonly maxBins: number;
  readonly seed: number;
  /** The first rows train; those after them, if any, only judge. */
  readonly trainRowCount: number;
  /** Stop when the loss of the judging rows has not improved for so many rounds; null trains all rounds. */
  readonly earlyStoppingRounds: number | null;
}

/** Rows are handled in blocks of this size whatever the number of threads, so that sums are added in the same order. */
export const BLOCK_ROWS = 4096;

/**
 * Everything that the training threads share. Each array is written by one thread at a time in any one place;
 * barriers separate the phases that write from those that read.
 */
export interface BoostingState {
  readonly settings: BoostingSettings;
  readonly threadCount: number;
  readonly matrix: TrainingMatrix;
  readonly barrier: Int32Array;
  /** Column-major, as the matrix's values. */
  readonly bins: Uint8Array;
  /** MAX_VALUE_BINS places a feature, of which `edgeCounts` are used. */
  readonly edges: Float32Array;
  readonly edgeCounts: Int32Array;
  /** 1 where a feature has missing values. */
  readonly hasMissing: Uint8Array;
  readonly baseScores: Float64Array;
  /** Row-major, one score an output. */
  readonly scores: Float64Array;
  /** The rows that the tree in hand sees, node after node; levels of the tree read one and write the other. */
  readonly order: readonly [Uint32Array, Uint32Array];
  /** (gradient, hessian) pairs in the order of `order`, one run of `trainRowCount` pairs an output. */
  readonly pairs: readonly [Float32Array, Float32Array];
  /** For each block of rows: sampled rows, training loss, judging loss, then the derivative sums of each output. */
  readonly blocks: Float64Array;
  /** For each thread and node of a level, the best split among the thread's features. */
  readonly candidates: Float64Array;
  /** For each node of a level and thread, the rows of the thread's share that go left. */
  readonly leftCounts: Int32Array;
}

export const BLOCK_SAMPLED = 0;
export const BLOCK_TRAINING_LOSS = 1;
export const BLOCK_JUDGING_LOSS = 2;
export const BLOCK_SUMS = 3;

/** Gain, feature, bin and direction of missing values; the derivative sums of the left child follow. */
export const CANDIDATE_HEAD = 4;

export function blockStride(outputCount: number): number {
  return BLOCK_SUMS + 2 * outputCount;
}

export function candidateStride(outputCount: number): number {
  return CANDIDATE_HEAD + 2 * outputCount;
}

/** The most nodes of a level that can still be split. */
export function widestLevel(maxDepth: number): number {
  return 2 ** (maxDepth - 1);
}

export function createBoostingState(
  matrix: TrainingMatrix,
  settings: BoostingSettings,
  threadCount: number,
): BoostingState {
  const { rowCount, outputCount } = matrix;
  const featureCount = matrix.featureNames.length;
  const { trainRowCount } = settings;
  const levelNodes = widestLevel(settings.maxDepth);
  return {
    settings,
    threadCount,
    matrix,
    barrier: shared(Int32Array, BARRIER_WORDS),
    bins: shared(Uint8Array, rowCount * featureCount),
    edges: shared(Float32Array, featureCount * MAX_VALUE_BINS),
    edgeCounts: shared(Int32Array, featureCount),
    hasMissing: shared(Uint8Array, featureCount),
    baseScores: shared(Float64Array, outputCount),
    scores: shared(Float64Array, rowCount * outputCount),
    order: [shared(Uint32Array, trainRowCount), shared(Uint32Array, trainRowCount)],
    pairs: [
      shared(Float32Array, 2 * trainRowCount * outputCount),
      shared(Float32Array, 2 * trainRowCount * outputCount),
    ],
    blocks: shared(Float64Array, Math.ceil(rowCount / BLOCK_ROWS) * blockStride(outputCount)),
    candidates: shared(Float64Array, threadCount * levelNodes * candidateStride(outputCount)),
    leftCounts: shared(Int32Array, levelNodes * threadCount),
  };
}

/** The bins of all rows for one feature. */
export function binsOf({ bins, matrix }: BoostingState, feature: number): Uint8Array {
  return bins.subarray(feature * matrix.rowCount, (feature + 1) * matrix.rowCount);
}

/** The row order that a level of the tree is in, and the derivatives in the same order. */
export function orderedRows({ order, pairs }: BoostingState, level: number): OrderedRows {
  const side = level % 2 === 0 ? 0 : 1;
  return { order: order[side], pairs: pairs[side] };
}

interface SharedArrayType<T> {
  new (buffer: SharedArrayBuffer): T;
  readonly BYTES_PER_ELEMENT: number;
}

function shared<T>(ArrayType: SharedArrayType<T>, length: number): T {
  return new ArrayType(new SharedArrayBuffer(length * ArrayType.BYTES_PER_ELEMENT));
}
