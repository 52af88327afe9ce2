import {
  BLOCK_JUDGING_LOSS,
  BLOCK_ROWS,
  BLOCK_SAMPLED,
  BLOCK_SUMS,
  BLOCK_TRAINING_LOSS,
  type BoostingState,
  blockStride,
} from "./boosting-state.ts";
import type { Objective } from "./objective.ts";
import { uniformAt } from "./seeded-random.ts";
import { type LeafFinder, leafFinder, type TreeNode } from "./tree.ts";

/** The mean loss a cell; `judging` is null without judging rows. */
export interface RoundLoss {
  readonly training: number;
  readonly judging: number | null;
}

export interface SampledRows {
  readonly count: number;
  /** (gradient, hessian) sums, a pair an output. */
  readonly sums: Float64Array;
}

/** The work between trees, which goes by rows: scores, losses, the sample of the next tree and its derivatives. */
export interface RowBlocks {
  /** Adds a tree to the scores of this thread's rows, and sums up the losses that result. */
  addTree(tree: TreeNode | null, round: number): void;
  /** Writes this thread's sampled rows and their derivatives to the tree's first order. */
  gatherSample(round: number): void;
  /** After all threads have done the above. */
  loss(): RoundLoss;
  sample(): SampledRows;
}

export function createRowBlocks(
  state: BoostingState,
  objective: Objective,
  thread: number,
): RowBlocks {
  const { matrix, settings, blocks, scores } = state;
  const { rowCount, outputCount, targets } = matrix;
  const { trainRowCount, rowSample, seed } = settings;
  const stride = blockStride(outputCount);
  const blockCount = Math.ceil(rowCount / BLOCK_ROWS);
  const firstBlock = Math.floor((blockCount * thread) / state.threadCount);
  const endBlock = Math.floor((blockCount * (thread + 1)) / state.threadCount);

  const total = (place: number) => {
    let sum = 0;
    for (let block = 0; block < blockCount; block++) sum += blocks[block * stride + place] ?? 0;
    return sum;
  };
  const lossOf = (firstRow: number, endRow: number) =>
    lossOfCells(objective, scores, targets, firstRow * outputCount, endRow * outputCount);

  return {
    addTree(tree, round) {
      const finder = tree === null ? null : leafFinder(tree, state.bins, rowCount);
      for (let block = firstBlock; block < endBlock; block++) {
        const begin = block * BLOCK_ROWS;
        const end = Math.min(rowCount, begin + BLOCK_ROWS);
        const trainEnd = Math.max(begin, Math.min(end, trainRowCount));
        if (finder !== null) addLeaves(finder, scores, outputCount, begin, end);
        const sampled = countSampled(seed, round, rowSample, begin, trainEnd);
        blocks[block * stride + BLOCK_SAMPLED] = sampled;
        blocks[block * stride + BLOCK_TRAINING_LOSS] = lossOf(begin, trainEnd);
        blocks[block * stride + BLOCK_JUDGING_LOSS] = lossOf(trainEnd, end);
      }
    },

    gatherSample(round) {
      const [order] = state.order;
      const [pairs] = state.pairs;
      const rowPairs = new Float32Array(2 * outputCount);
      let place = 0;
      for (let block = 0; block < firstBlock; block++) {
        place += blocks[block * stride + BLOCK_SAMPLED] ?? 0;
      }
      for (let block = firstBlock; block < endBlock; block++) {
        const sums = blocks.subarray(block * stride + BLOCK_SUMS, (block + 1) * stride).fill(0);
        const end = Math.min(trainRowCount, (block + 1) * BLOCK_ROWS);
        for (let row = block * BLOCK_ROWS; row < end; row++) {
          if (!isSampled(seed, round, rowSample, row)) continue;
          objective.derivatives(scores, targets, row * outputCount, rowPairs);
          order[place] = row;
          for (let i = 0; i < rowPairs.length; i++) {
            const value = rowPairs[i] ?? 0;
            pairs[(i >> 1) * 2 * trainRowCount + 2 * place + (i & 1)] = value;
            sums[i] = (sums[i] ?? 0) + value;
          }
          place += 1;
        }
      }
    },

    loss() {
      const judgingRows = rowCount - trainRowCount;
      return {
        training: total(BLOCK_TRAINING_LOSS) / (trainRowCount * outputCount),
        judging: judgingRows > 0 ? total(BLOCK_JUDGING_LOSS) / (judgingRows * outputCount) : null,
      };
    },

    sample() {
      const sums = new Float64Array(2 * outputCount).map((_, i) => total(BLOCK_SUMS + i));
      return { count: total(BLOCK_SAMPLED), sums };
    },
  };
}

function isSampled(seed: number, round: number, share: number, row: number): boolean {
  return share >= 1 || uniformAt(seed, round, row) < share;
}

function countSampled(
  seed: number,
  round: number,
  share: number,
  begin: number,
  end: number,
): number {
  let count = 0;
  for (let row = begin; row < end; row++) if (isSampled(seed, round, share, row)) count += 1;
  return count;
}

function addLeaves(
  { leafOf, leafValues }: LeafFinder,
  scores: Float64Array,
  outputCount: number,
  begin: number,
  end: number,
): void {
  for (let row = begin; row < end; row++) {
    const leaf = leafOf(row);
    for (let output = 0; output < outputCount; output++) {
      const cell = row * outputCount + output;
      scores[cell] = (scores[cell] ?? 0) + (leafValues[leaf * outputCount + output] ?? 0);
    }
  }
}

function lossOfCells(
  objective: Objective,
  scores: Float64Array,
  targets: Float32Array,
  begin: number,
  end: number,
): number {
  let loss = 0;
  for (let cell = begin; cell < end; cell++) {
    loss += objective.loss(scores[cell] ?? 0, targets[cell] ?? 0);
  }
  return loss;
}
