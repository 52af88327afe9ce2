/** What comes with the project and is published to an edge that has nothing yet. */
import { readFile } from "node:fs/promises";
import { modelVersionOf } from "../../contract/model.ts";
import {
  type RegionsDocument,
  regionsDocumentSchema,
  regionsVersionOf,
} from "../../contract/regions.ts";
import { rulesFrom } from "../../contract/rules.ts";
import type { ModelFiles } from "../edge/edge-client.ts";
import { readRulesFile } from "./read-rules-file.ts";

export interface Versioned<Value> {
  version: string;
  value: Value;
}

export interface ShippedFiles {
  regions: Versioned<RegionsDocument>;
  /** As it was read from JSON. */
  rules: Versioned<unknown>;
  model: Versioned<ModelFiles>;
}

const fileAt = (path: string) => new URL(`../../${path}`, import.meta.url);

/** Reads them. Throws on files that are not what they should be: they are part of this version of the product. */
export async function loadShippedFiles(): Promise<ShippedFiles> {
  return {
    regions: await loadRegions(fileAt("data/nyc/regions.json")),
    rules: await loadRules(fileAt("rules/packs/ride-hailing.yaml")),
    model: await loadModel(fileAt("models/baseline/")),
  };
}

/** A regions document. Throws on a file that holds something else. */
export async function loadRegions(path: string | URL): Promise<Versioned<RegionsDocument>> {
  const json: unknown = JSON.parse(await readFile(path, "utf8"));
  return { version: regionsVersionOf(json), value: regionsDocumentSchema.parse(json) };
}

/** A rules document. Throws with each of its faults. */
export async function loadRules(path: string | URL): Promise<Versioned<unknown>> {
  const json = await readRulesFile(path);
  const rules = rulesFrom(json);
  if (!Array.isArray(rules)) return { version: rules.version, value: json };
  const faults = rules.map(({ path: where, detail }) => `\n  ${where}: ${detail}`);
  throw new Error(`${path} cannot be used:${faults.join("")}`);
}

/** A model: the folder's `model.onnx` and `card.json`. */
export async function loadModel(folder: URL): Promise<Versioned<ModelFiles>> {
  const onnx = new Uint8Array(await readFile(new URL("model.onnx", folder)));
  const cardJson = await readFile(new URL("card.json", folder), "utf8");
  const version = modelVersionOf(onnx);
  return { version, value: { version, onnx, cardJson } };
}
