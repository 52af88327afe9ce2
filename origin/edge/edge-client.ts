/** The admin API of the edge, as the origin uses it. Answers are checked against the schemas that made them. */
import type { z } from "zod";
import {
  historyAnswerSchema,
  modelAnswerSchema,
  modelsAnswerSchema,
  type PublishedAnswer,
  publishedAnswerSchema,
  rulesAnswerSchema,
} from "../../contract/admin.ts";
import { instantText } from "../../contract/names.ts";
import { type RegionsDocument, regionsDocumentSchema } from "../../contract/regions.ts";
import type { HistorySeed } from "../../contract/rpc.ts";
import { createAsk, type EdgeAddress, type EdgeResult, jsonAnswer } from "./ask-edge.ts";

export interface EdgeClient {
  /** The regions in force; `not_published` while there are none. */
  readRegions(): Promise<EdgeResult<RegionsDocument>>;
  /** The version of the rules in force; `not_published` while there are none. */
  readRules(): Promise<EdgeResult<{ version: string }>>;
  /** Registered models, the newest first. */
  readModels(): Promise<EdgeResult<z.output<typeof modelsAnswerSchema>>>;
  publishRegions(document: RegionsDocument): Promise<EdgeResult<PublishedAnswer>>;
  publishRules(document: unknown): Promise<EdgeResult<PublishedAnswer>>;
  registerModel(model: ModelFiles): Promise<EdgeResult<{ version: string }>>;
  publishModel(version: string): Promise<EdgeResult<PublishedAnswer>>;
  seedHistory(regionId: string, seed: HistorySeed): Promise<EdgeResult<{ slots: number }>>;
}

export interface ModelFiles {
  version: string;
  onnx: Uint8Array<ArrayBuffer>;
  cardJson: string;
}

/** See createAsk for how long it asks; everything it asks for may be asked twice. */
export function createEdgeClient(
  address: EdgeAddress,
  patienceMs: number,
  signal: AbortSignal,
): EdgeClient {
  const ask = createAsk(address, patienceMs, signal);
  const published = { readAnswer: jsonAnswer(publishedAnswerSchema) };
  return {
    readRegions: () =>
      ask({
        method: "GET",
        path: "/api/v1/regions",
        readAnswer: jsonAnswer(regionsDocumentSchema),
      }),
    readRules: () =>
      ask({ method: "GET", path: "/admin/v1/rules", readAnswer: jsonAnswer(rulesAnswerSchema) }),
    readModels: () =>
      ask({ method: "GET", path: "/admin/v1/models", readAnswer: jsonAnswer(modelsAnswerSchema) }),
    publishRegions: (body) => ask({ method: "PUT", path: "/admin/v1/regions", body, ...published }),
    publishRules: (body) => ask({ method: "PUT", path: "/admin/v1/rules", body, ...published }),
    registerModel({ version, onnx, cardJson }) {
      const body = new FormData();
      body.set("model", new Blob([onnx]), "model.onnx");
      body.set("card", new Blob([cardJson], { type: "application/json" }), "card.json");
      const path = `/admin/v1/models/${version}`;
      return ask({ method: "PUT", path, body, readAnswer: jsonAnswer(modelAnswerSchema) });
    },
    publishModel: (version) =>
      ask({ method: "POST", path: `/admin/v1/models/${version}/publish`, ...published }),
    seedHistory: (regionId, { startAt, counts }) =>
      ask({
        method: "PUT",
        path: `/admin/v1/regions/${regionId}/history`,
        body: { start_at: instantText(startAt), counts },
        readAnswer: jsonAnswer(historyAnswerSchema),
      }),
  };
}
