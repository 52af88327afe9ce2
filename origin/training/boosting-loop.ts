import { binFeature } from "./bin-matrix.ts";
import { type BoostingState, orderedRows } from "./boosting-state.ts";
import { createGrowTree } from "./grow-tree.ts";
import { type Objective, objectiveFrom, sortedQuantile } from "./objective.ts";
import type { NodeRows } from "./open-node.ts";
import { createRowBlocks, type RoundLoss } from "./row-blocks.ts";
import { sampleIndexes } from "./seeded-random.ts";
import { createThreadBarrier } from "./thread-barrier.ts";
import { leafNode, type TreeNode } from "./tree.ts";

export interface RoundReport extends RoundLoss {
  /** How many trees there are. */
  readonly round: number;
}

export interface BoostedTrees {
  readonly trees: readonly TreeNode[];
  readonly baseScores: Float32Array;
  /** From before the first tree to after the last one, stopped early or not. */
  readonly rounds: readonly RoundReport[];
}

/**
 * Gradient boosting, as one of the threads that share `state`.
 *
 * All threads run this same loop and take the same decisions; only their shares of features and rows differ. They
 * meet where one phase reads what another thread wrote in the phase before.
 */
export function runBoosting(
  state: BoostingState,
  thread: number,
  onRound: (report: RoundReport) => void,
): BoostedTrees {
  const { matrix, settings, threadCount } = state;
  const objective = objectiveFrom(settings.objective);
  const meet = createThreadBarrier(state.barrier, threadCount);
  const featureCount = matrix.featureNames.length;
  for (let feature = thread; feature < featureCount; feature += threadCount) {
    binFeature(state, feature);
  }
  if (thread === 0) startScores(state, objective);
  meet();

  const blocks = createRowBlocks(state, objective, thread);
  const growTree = createGrowTree(state, thread, meet, objective.residualLevel !== null);
  const featuresPerTree = Math.max(1, Math.round(settings.columnSample * featureCount));
  const trees: TreeNode[] = [];
  const rounds: RoundReport[] = [];
  for (let round = 0; ; round++) {
    blocks.addTree(trees.at(-1) ?? null, round);
    meet();
    const report = { round, ...blocks.loss() };
    rounds.push(report);
    onRound(report);
    if (round === settings.rounds || hasStalled(rounds, settings.earlyStoppingRounds)) break;
    blocks.gatherSample(round);
    meet();
    const { count, sums } = blocks.sample();
    const node = leafNode(matrix.outputCount);
    const root: NodeRows = { node, sums, begin: 0, end: count, level: 0 };
    const features = sampleIndexes(settings.seed, round, featureCount, featuresPerTree);
    for (const leaf of growTree(root, features)) {
      setLeaf(state, objective, leaf);
    }
    // Residuals were read from the scores, which the next round changes.
    if (objective.residualLevel !== null) meet();
    trees.push(node);
  }
  return {
    trees: trees.slice(0, bestRound(rounds)),
    baseScores: Float32Array.from(state.baseScores),
    rounds,
  };
}

function startScores(state: BoostingState, objective: Objective): void {
  const { matrix, settings, scores } = state;
  const { outputCount, targets } = matrix;
  for (let output = 0; output < outputCount; output++) {
    const own = new Float64Array(settings.trainRowCount);
    for (let row = 0; row < own.length; row++) own[row] = targets[row * outputCount + output] ?? 0;
    const score = Math.fround(objective.baseScore(own));
    state.baseScores[output] = score;
    for (let row = 0; row < matrix.rowCount; row++) scores[row * outputCount + output] = score;
  }
}

function setLeaf(state: BoostingState, objective: Objective, leaf: NodeRows): void {
  const { learningRate, l2 } = state.settings;
  leaf.node.values.forEach((_, output) => {
    const step =
      objective.residualLevel === null
        ? objective.leafStep(leaf.sums[2 * output] ?? 0, leaf.sums[2 * output + 1] ?? 0, l2)
        : sortedQuantile(residualsOf(state, leaf, output), objective.residualLevel);
    leaf.node.values[output] = learningRate * step;
  });
}

/** What the leaf's rows lack, ascending. */
function residualsOf(state: BoostingState, leaf: NodeRows, output: number): Float64Array {
  const { outputCount, targets } = state.matrix;
  const { order } = orderedRows(state, leaf.level);
  const residuals = new Float64Array(leaf.end - leaf.begin);
  for (let i = 0; i < residuals.length; i++) {
    const cell = (order[leaf.begin + i] ?? 0) * outputCount + output;
    residuals[i] = (targets[cell] ?? 0) - (state.scores[cell] ?? 0);
  }
  return residuals.sort();
}

/** The number of trees with the least judging loss, or all trees when nothing judges. */
function bestRound(rounds: readonly RoundReport[]): number {
  const judged = rounds.filter(({ judging }) => judging !== null);
  const last = rounds.at(-1)?.round ?? 0;
  if (judged.length === 0) return last;
  return judged.reduce((best, next) => ((next.judging ?? 0) < (best.judging ?? 0) ? next : best))
    .round;
}

function hasStalled(rounds: readonly RoundReport[], patience: number | null): boolean {
  if (patience === null) return false;
  return (rounds.at(-1)?.round ?? 0) - bestRound(rounds) >= patience;
}
