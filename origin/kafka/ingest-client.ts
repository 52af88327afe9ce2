/** POST /api/v1/events, as the bridge uses it. */
import { z } from "zod";
import { messageOf } from "../../contract/log.ts";
import { SECOND_MS } from "../../domain/units.ts";
import { jsonOrNull } from "../edge/json-or-null.ts";

/** What became of a request. */
export type IngestAnswer =
  /** 202: durable, but for those that were rejected, by their place in the body. */
  | { kind: "accepted"; rejected: { index: number; type: string; detail: string }[] }
  /** Nothing of it can ever be accepted as it stands. */
  | { kind: "refused"; type: string; detail: string }
  /** Nothing of it is known to be accepted; it may be sent again. */
  | { kind: "later"; detail: string; afterMs: number | null };

export interface IngestClient {
  post(body: string | Uint8Array<ArrayBuffer>, contentType: string): Promise<IngestAnswer>;
}

/** Less than a consumer may be silent before its partitions go to another. */
const ANSWER_LIMIT_MS = 10 * SECOND_MS;
/** The body is at fault, not the moment nor the key. */
const REFUSALS = new Set([400, 413, 415, 422]);

const answerSchema = z.object({
  rejected: z.array(z.object({ index: z.int(), type: z.string(), detail: z.string() })),
});
const problemSchema = z.object({
  type: z.string(),
  detail: z.string().optional(),
  errors: z.array(z.object({ path: z.string(), detail: z.string() })).optional(),
});

/** A client of the ingest Worker at `url`, or of the pricing Worker, which hands events on. */
export function createIngestClient(url: string, key: string): IngestClient {
  const address = new URL("/api/v1/events", url);
  return {
    async post(body, contentType) {
      let response: Response;
      let text: string;
      try {
        response = await fetch(address, {
          method: "POST",
          headers: { authorization: `Bearer ${key}`, "content-type": contentType },
          body,
          signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
        });
        text = await response.text();
      } catch (error) {
        return { kind: "later", detail: `ingest at ${url}: ${messageOf(error)}`, afterMs: null };
      }
      if (response.status === 202) {
        return { kind: "accepted", ...answerSchema.parse(JSON.parse(text)) };
      }
      if (REFUSALS.has(response.status)) return { kind: "refused", ...problemOf(text) };
      const detail = `ingest answered ${response.status}: ${text.slice(0, 500)}`;
      return { kind: "later", detail, afterMs: retryAfterMs(response.headers) };
    },
  };
}

function problemOf(text: string): { type: string; detail: string } {
  const problem = problemSchema.safeParse(jsonOrNull(text));
  if (!problem.success) return { type: "refused", detail: text.slice(0, 500) };
  const { type, detail, errors = [] } = problem.data;
  const fields = errors.map((error) => `${error.path}: ${error.detail}`);
  return {
    type: type.split("#").at(-1) ?? type,
    detail: [...(detail === undefined ? [] : [detail]), ...fields].join(" ").slice(0, 1_000),
  };
}

function retryAfterMs(headers: Headers): number | null {
  const seconds = Number(headers.get("retry-after") ?? Number.NaN);
  return Number.isFinite(seconds) ? seconds * SECOND_MS : null;
}
