/** The admin API of the edge, as the origin uses it. Answers are checked against the schemas that made them. */
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import {
  historyAnswerSchema,
  modelAnswerSchema,
  modelsAnswerSchema,
  type PublishedAnswer,
  publishedAnswerSchema,
  rulesAnswerSchema,
} from "../../contract/admin.ts";
import { messageOf } from "../../contract/log.ts";
import { instantText } from "../../contract/names.ts";
import { type RegionsDocument, regionsDocumentSchema } from "../../contract/regions.ts";
import type { HistorySeed } from "../../contract/rpc.ts";
import { SECOND_MS } from "../../domain/units.ts";

export interface EdgeAddress {
  /** Of the pricing Worker, without a path. */
  url: string;
  adminKey: string;
}

/** Why the edge did not do what it was asked. */
export interface EdgeFault {
  reason: "refused" | "unreachable" | "not_published";
  /** For people: what was asked, and what came back. */
  detail: string;
}

export type EdgeResult<Value> = Value | EdgeFault;

export function isEdgeFault(result: unknown): result is EdgeFault {
  return typeof result === "object" && result !== null && "reason" in result;
}

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

const ANSWER_LIMIT_MS = 30 * SECOND_MS;
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 2 * SECOND_MS;
/** Answers after which the same request may succeed. */
const PASSING_STATUSES = new Set([408, 425, 429, 500, 502, 503, 504]);

interface EdgeRequest<Schema extends z.ZodType> {
  method: "GET" | "PUT" | "POST";
  path: string;
  body?: unknown;
  schema: Schema;
}

/**
 * A client that asks again, with growing pauses, while the edge does not answer or says that it cannot yet; until
 * `patienceMs` have passed or `signal` ends it. Everything it asks for may be asked twice.
 */
export function createEdgeClient(
  { url, adminKey }: EdgeAddress,
  patienceMs: number,
  signal: AbortSignal,
): EdgeClient {
  async function once<Schema extends z.ZodType>(
    request: EdgeRequest<Schema>,
  ): Promise<{ result: EdgeResult<z.output<Schema>>; passing: boolean }> {
    const { method, path, body, schema } = request;
    const asked = `${method} ${path}`;
    const refused = (detail: string, passing: boolean) => {
      return { result: { reason: "refused" as const, detail: `${asked} ${detail}` }, passing };
    };
    let response: Response;
    let text: string;
    try {
      response = await fetch(new URL(path, url), {
        method,
        headers: {
          authorization: `Bearer ${adminKey}`,
          ...(body === undefined || body instanceof FormData
            ? {}
            : { "content-type": "application/json" }),
        },
        body: bodyOf(body),
        signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_LIMIT_MS)]),
      });
      text = await response.text();
    } catch (error) {
      const detail = `${asked} at ${url} failed: ${messageOf(error)}`;
      return { result: { reason: "unreachable", detail }, passing: true };
    }
    if (!response.ok) {
      if (problemTypeOf(text) === "not_published") {
        const detail = `${asked}: nothing of the kind was published yet`;
        return { result: { reason: "not_published", detail }, passing: false };
      }
      const detail = `was answered ${response.status}: ${text.slice(0, 2_000)}`;
      return refused(detail, PASSING_STATUSES.has(response.status));
    }
    const answer = schema.safeParse(jsonOrNull(text));
    return answer.success
      ? { result: answer.data, passing: false }
      : refused(
          `was answered something else than this version knows: ${text.slice(0, 500)}`,
          false,
        );
  }

  async function ask<Schema extends z.ZodType>(
    request: EdgeRequest<Schema>,
  ): Promise<EdgeResult<z.output<Schema>>> {
    const giveUpAt = performance.now() + patienceMs;
    let pauseMs = FIRST_RETRY_MS;
    for (;;) {
      const { result, passing } = await once(request);
      if (!passing || signal.aborted || performance.now() + pauseMs > giveUpAt) return result;
      await sleep(pauseMs);
      pauseMs = Math.min(pauseMs * 2, LONGEST_RETRY_MS);
    }
  }

  const published = { schema: publishedAnswerSchema };
  return {
    readRegions: () =>
      ask({ method: "GET", path: "/api/v1/regions", schema: regionsDocumentSchema }),
    readRules: () => ask({ method: "GET", path: "/admin/v1/rules", schema: rulesAnswerSchema }),
    readModels: () => ask({ method: "GET", path: "/admin/v1/models", schema: modelsAnswerSchema }),
    publishRegions: (body) => ask({ method: "PUT", path: "/admin/v1/regions", body, ...published }),
    publishRules: (body) => ask({ method: "PUT", path: "/admin/v1/rules", body, ...published }),
    registerModel({ version, onnx, cardJson }) {
      const body = new FormData();
      body.set("model", new Blob([onnx]), "model.onnx");
      body.set("card", new Blob([cardJson], { type: "application/json" }), "card.json");
      const path = `/admin/v1/models/${version}`;
      return ask({ method: "PUT", path, body, schema: modelAnswerSchema });
    },
    publishModel: (version) =>
      ask({ method: "POST", path: `/admin/v1/models/${version}/publish`, ...published }),
    seedHistory: (regionId, { startAt, counts }) =>
      ask({
        method: "PUT",
        path: `/admin/v1/regions/${regionId}/history`,
        body: { start_at: instantText(startAt), counts },
        schema: historyAnswerSchema,
      }),
  };
}

function bodyOf(body: unknown): string | FormData | null {
  if (body === undefined) return null;
  return body instanceof FormData ? body : JSON.stringify(body);
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

const problemSchema = z.looseObject({ type: z.string() });

/** `not_published` of the problem type `/docs/problems#not_published`; null when the text is no problem. */
function problemTypeOf(text: string): string | null {
  const problem = problemSchema.safeParse(jsonOrNull(text));
  return problem.success ? (problem.data.type.split("#").at(-1) ?? null) : null;
}
