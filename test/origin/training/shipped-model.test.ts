import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { modelCardSchema, modelVersionOf } from "../../../contract/model.ts";
import { FEATURE_NAMES, FEATURE_SET_VERSION } from "../../../domain/features.ts";
import { loadOnnxModel } from "../../../origin/onnx/inference.ts";

const fileAt = (name: string) => new URL(`../../../models/baseline/${name}`, import.meta.url);
const onnx = new Uint8Array(readFileSync(fileAt("model.onnx")));
const card = modelCardSchema.parse(JSON.parse(readFileSync(fileAt("card.json"), "utf8")));

test("the shipped model is what its card names, for the features of this version", () => {
  expect(card.version).toBe(modelVersionOf(onnx));
  expect(card.feature_set_version).toBe(FEATURE_SET_VERSION);
  expect(card.feature_names).toEqual([...FEATURE_NAMES]);
});

test("the shipped model answers its golden rows", async () => {
  const model = await loadOnnxModel(onnx);
  for (const { features, quantiles } of card.golden) {
    const row = Float32Array.from(features, (value) => value ?? Number.NaN);
    expect([...(await model.run(row))]).toEqual(quantiles);
  }
});

test("the shipped model's error in the coming hour is at most 0.7 of last week's", () => {
  const { model, seasonal_naive } = card.evaluation.hourly;
  expect(model.wape).toBeLessThanOrEqual(0.7 * (seasonal_naive.wape ?? 0));
});

test("the shipped model was trained on nothing that the demo plays", () => {
  expect(Date.parse(card.training.until)).toBeLessThanOrEqual(Date.parse("2014-05-18T04:00:00Z"));
});
