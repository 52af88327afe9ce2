import { describe, expect, test } from "vitest";
import { boost } from "../../../origin/training/boost.ts";
import { type Ensemble, gainShares, scoresOf } from "../../../origin/training/ensemble.ts";
import { featureRow, type TrainingMatrix } from "../../../origin/training/training-matrix.ts";
import { poissonCount, sampleMatrix } from "./training-samples.ts";

/** The scores of all rows, for one output. */
function scoresOfAll(ensemble: Ensemble, matrix: TrainingMatrix, output = 0): number[] {
  return Array.from(
    { length: matrix.rowCount },
    (_, row) => scoresOf(ensemble, featureRow(matrix, row))[output] ?? Number.NaN,
  );
}

const meanOf = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

const step = ([first = 0, second = 0]: readonly number[]) => (first > 0.3 ? 5 : 1) + second;

describe("boost()", () => {
  test("lowers the training loss with every tree that sees all rows and features", async () => {
    const matrix = sampleMatrix({ rows: 500, features: 4 }, (row, draw) => step(row) + draw);
    const { rounds } = await boost(matrix, { rounds: 30, threads: 1 });
    const losses = rounds.map(({ training }) => training);
    expect(losses).toHaveLength(31);
    losses.slice(1).forEach((loss, index) => {
      expect(loss).toBeLessThan(losses[index] ?? 0);
    });
  });

  test.each([
    { kind: "squared" },
    { kind: "poisson" },
    { kind: "tweedie", power: 1.4 },
    { kind: "quantile", level: 0.7 },
  ] as const)("grows the same trees on any number of threads: $kind", async (objective) => {
    const matrix = sampleMatrix(
      { rows: 9_000, features: 5, outputs: 2, missing: 0.1 },
      (row, draw, output) => poissonCount(step(row) + output, draw),
    );
    const settings = { objective, rounds: 6, maxDepth: 4, rowSample: 0.7, columnSample: 0.6 };
    const [one, two, three] = await Promise.all(
      [1, 2, 3].map((threads) => boost(matrix, { ...settings, threads })),
    );
    expect(two).toEqual(one);
    expect(three).toEqual(one);
    const other = await boost(matrix, { ...settings, seed: 2, threads: 1 });
    expect(other.ensemble).not.toEqual(one?.ensemble);
  });

  test("scores rows as it scored them while training: no row changes its leaf", async () => {
    const matrix = sampleMatrix({ rows: 2_000, features: 3, missing: 0.2 }, step);
    const { ensemble, rounds } = await boost(matrix, { rounds: 40, threads: 1 });
    const scores = scoresOfAll(ensemble, matrix);
    const loss = meanOf(
      scores.map((score, row) => 0.5 * (score - (matrix.targets[row] ?? 0)) ** 2),
    );
    expect(loss).toBeCloseTo(rounds.at(-1)?.training ?? 0, 6);
  });

  test("learns where missing values belong", async () => {
    const matrix = sampleMatrix({ rows: 4_000, features: 1 }, ([first = 0]) =>
      first > 0.5 ? 8 : 2,
    );
    for (let row = 0; row < matrix.rowCount; row++) {
      if (row % 4 !== 0) continue;
      matrix.values[row] = Number.NaN;
      matrix.targets[row] = 8;
    }
    const { ensemble } = await boost(matrix, { rounds: 60, threads: 1, learningRate: 0.3 });
    expect(scoresOf(ensemble, Float32Array.of(Number.NaN))[0]).toBeCloseTo(8, 1);
    expect(scoresOf(ensemble, Float32Array.of(0.1))[0]).toBeCloseTo(2, 1);
  });

  test("forecasts as many events as there were, in every leaf that counts", async () => {
    const matrix = sampleMatrix({ rows: 6_000, features: 3 }, (row, draw) =>
      poissonCount(step(row), draw),
    );
    const { ensemble } = await boost(matrix, {
      objective: { kind: "poisson" },
      rounds: 150,
      maxDepth: 2,
      l2: 0,
      threads: 1,
    });
    const rates = scoresOfAll(ensemble, matrix).map(Math.exp);
    expect(meanOf(rates) / meanOf([...matrix.targets])).toBeCloseTo(1, 3);
    const isHigh = (row: number) => (matrix.values[row] ?? 0) > 0.3;
    const high = rates.flatMap((rate, row) => (isHigh(row) ? rate : []));
    const came = [...matrix.targets].filter((_, row) => isHigh(row));
    expect(meanOf(high) / meanOf(came)).toBeCloseTo(1, 2);
  });

  test.each([0.1, 0.5, 0.9])("leaves a share of %f below the quantile", async (level) => {
    const spread = ([first = 0]: readonly number[], draw: number) =>
      first * 10 + draw * (1 + first);
    const matrix = sampleMatrix({ rows: 4_000, features: 2 }, spread);
    const unseen = sampleMatrix({ rows: 4_000, features: 2 }, spread, 99);
    const { ensemble } = await boost(matrix, {
      objective: { kind: "quantile", level },
      rounds: 80,
      maxDepth: 4,
      minChildHessian: 50,
      threads: 1,
    });
    const scores = scoresOfAll(ensemble, unseen);
    const below = scores.filter((score, row) => (unseen.targets[row] ?? 0) <= score).length;
    expect(Math.abs(below / unseen.rowCount - level)).toBeLessThan(0.04);
  });

  test("learns several outputs from one set of trees", async () => {
    const matrix = sampleMatrix({ rows: 3_000, features: 3, outputs: 3 }, (row, _, output) =>
      output === 2 ? -step(row) : step(row) * (output + 1),
    );
    const { ensemble } = await boost(matrix, { rounds: 120, threads: 1, learningRate: 0.2 });
    const row = [0.9, 0.5, 0.5];
    const scores = scoresOf(ensemble, Float32Array.from(row));
    [1, 2, -1].forEach((factor, output) => {
      expect(scores[output]).toBeCloseTo(factor * step(row), 0.9);
    });
  });

  test("stops when the judging rows gain nothing more, and keeps the best trees", async () => {
    const matrix = sampleMatrix({ rows: 600, features: 4 }, (row, draw) => step(row) + 20 * draw);
    const { ensemble, rounds } = await boost(matrix, {
      rounds: 500,
      trainRowCount: 300,
      earlyStoppingRounds: 5,
      threads: 2,
    });
    const judged = rounds.map(({ judging }) => judging ?? Number.NaN);
    expect(rounds.length).toBeLessThan(300);
    expect(ensemble.roots).toHaveLength(judged.indexOf(Math.min(...judged)));
  });

  test("gives the gain to the features that matter", async () => {
    const matrix = sampleMatrix({ rows: 2_000, features: 5 }, step);
    const { ensemble } = await boost(matrix, { rounds: 20, threads: 1 });
    const shares = gainShares(ensemble);
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
    expect((shares[0] ?? 0) + (shares[1] ?? 0)).toBeGreaterThan(0.99);
  });

  test("stays at the base score where nothing can be split", async () => {
    const matrix = sampleMatrix({ rows: 50, features: 1 }, (_, draw) => draw);
    matrix.values.fill(Number.NaN);
    const { ensemble } = await boost(matrix, { rounds: 3, threads: 1, l2: 0 });
    const [score = Number.NaN] = scoresOf(ensemble, Float32Array.of(Number.NaN));
    expect(score).toBeCloseTo(meanOf([...matrix.targets]), 5);
  });

  test("ends when it is told to", async () => {
    const matrix = sampleMatrix({ rows: 5_000, features: 4 }, step);
    const control = new AbortController();
    const training = boost(matrix, {
      rounds: 10_000,
      threads: 2,
      signal: control.signal,
      onRound: ({ round }) => {
        if (round === 2) control.abort(new Error("enough"));
      },
    });
    await expect(training).rejects.toThrow("enough");
  });

  test("refuses infinite values, naming the feature, and no thread is left waiting", async () => {
    const matrix = sampleMatrix({ rows: 100, features: 3 }, step);
    matrix.values[150] = Number.POSITIVE_INFINITY;
    await expect(boost(matrix, { threads: 2 })).rejects.toThrow("feature f1 holds Infinity");
  });

  test.each([
    [{ maxDepth: 0 }, "maxDepth must be 1 to 12"],
    [{ rowSample: 0 }, "samples are shares"],
    [{ maxBins: 300 }, "maxBins must be 2 to 255"],
    [{ trainRowCount: 11 }, "trainRowCount is 11 of 10 rows"],
    [{ earlyStoppingRounds: 3 }, "early stopping needs rows"],
  ])("refuses %o", async (settings, sentence) => {
    const matrix = sampleMatrix({ rows: 10, features: 1 }, step);
    await expect(boost(matrix, settings)).rejects.toThrow(sentence);
  });
});
