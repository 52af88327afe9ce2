import { beforeAll, describe, expect, test } from "vitest";
import { modelCardSchema, modelVersionOf } from "../../../contract/model.ts";
import { FEATURE_NAMES } from "../../../domain/features.ts";
import { DAY_MS, plus } from "../../../domain/units.ts";
import { loadOnnxModel } from "../../../origin/onnx/inference.ts";
import type { ModelArtefact } from "../../../origin/training/model-artefact.ts";
import { trainModel } from "../../../origin/training/train-model.ts";
import { demandHistory, START_AT } from "./demand-samples.ts";

const DAYS = 30;
const history = demandHistory(DAYS);
const untilAt = plus(START_AT, 24 * DAY_MS);
const options = {
  seed: 3,
  threads: 2,
  withheldFeatures: ["dayOfWeek"],
  createdAt: new Date("2026-02-04T00:00:00Z"),
  evaluatedRegions: 2,
  untilAt,
};

let artefact: ModelArtefact;
const shares: number[] = [];
beforeAll(async () => {
  artefact = await trainModel(history, options, (share) => shares.push(share));
}, 60_000);

describe("trainModel()", () => {
  test("writes a card that the contract takes, named by the file's bytes", () => {
    const card = modelCardSchema.parse(JSON.parse(JSON.stringify(artefact.card)));
    expect(card.version).toBe(modelVersionOf(artefact.onnx));
    expect(card.created_at).toBe("2026-02-04T00:00:00.000Z");
    expect(card.training).toMatchObject({ until: "2026-01-29T00:00:00.000Z", regions: 3, seed: 3 });
  });

  test("judges by what came after training, and beats last week on it", () => {
    const { evaluation } = artefact.card;
    expect(evaluation).toMatchObject({
      from: "2026-01-29T00:00:00.000Z",
      until: "2026-02-04T00:00:00.000Z",
      regions: 2,
    });
    expect(evaluation.horizons.map(({ horizon_minutes }) => horizon_minutes)).toEqual([
      15, 30, 45, 60,
    ]);
    for (const { model, seasonal_naive } of [evaluation.hourly, evaluation.quarter_hourly]) {
      expect(model.wape).toBeLessThan(seasonal_naive.wape ?? 0);
    }
  });

  test("answers its golden rows", async () => {
    const model = await loadOnnxModel(artefact.onnx);
    expect(artefact.card.golden).toHaveLength(32);
    for (const { features, quantiles } of artefact.card.golden) {
      const row = Float32Array.from(features, (value) => value ?? Number.NaN);
      expect([...(await model.run(row))]).toEqual(quantiles);
    }
  });

  test("does without the features that are withheld", () => {
    const gains = new Map(
      artefact.card.feature_importance.map(({ feature, gain }) => [feature, gain]),
    );
    expect([...gains.keys()].sort()).toEqual([...FEATURE_NAMES].sort());
    expect(gains.get("dayOfWeek")).toBe(0);
  });

  test("tells how far it has come, from beginning to end", () => {
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(shares.at(-1)).toBe(1);
  });

  test("makes the same file of the same history and seed, on any number of threads", async () => {
    const again = await trainModel(history, { ...options, threads: 1 });
    expect(again.onnx).toEqual(artefact.onnx);
    const other = await trainModel(history, { ...options, seed: 4 });
    expect(other.card.version).not.toBe(artefact.card.version);
  });

  test("judges a model trained alike on less where the history ends with training", async () => {
    const short = demandHistory(24);
    const { card, onnx } = await trainModel(short, options);
    expect(onnx).toEqual(artefact.onnx);
    expect(card.evaluation).toMatchObject({
      from: "2026-01-22T00:00:00.000Z",
      until: "2026-01-29T00:00:00.000Z",
    });
  });

  test("refuses a history of a few days", async () => {
    const training = trainModel(demandHistory(4), {
      ...options,
      untilAt: plus(START_AT, 4 * DAY_MS),
    });
    await expect(training).rejects.toThrow(
      "a week of forecasts to judge at least, and there are 3.0",
    );
  });

  test("refuses to withhold a feature that there is not", async () => {
    const training = trainModel(history, { ...options, withheldFeatures: ["moon"] });
    await expect(training).rejects.toThrow("there is no feature moon");
  });
});
