/** One request to the edge, asked again while it may still succeed. What the edge does not do is a value, not an exception. */
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { messageOf } from "../../contract/log.ts";
import { SECOND_MS } from "../../domain/units.ts";
import { jsonOrNull } from "./json-or-null.ts";

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

export interface EdgeRequest<Answer> {
  method: "GET" | "PUT" | "POST";
  path: string;
  /** A form, bytes, or what becomes JSON. */
  body?: unknown;
  headers?: Record<string, string>;
  /** The answer of a 2xx, or null when it is not what this version knows. */
  readAnswer(bytes: Uint8Array<ArrayBuffer>): Answer | null;
}

export type Ask = <Answer>(request: EdgeRequest<Answer>) => Promise<EdgeResult<Answer>>;

const ANSWER_LIMIT_MS = 30 * SECOND_MS;
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 2 * SECOND_MS;
/** Answers after which the same request may succeed. */
const PASSING_STATUSES = new Set([408, 425, 429, 500, 502, 503, 504]);

/**
 * Asks again, with growing pauses, while the edge does not answer or says that it cannot yet; until `patienceMs` have
 * passed or `signal` ends it. Only for what may be asked twice.
 */
export function createAsk(
  { url, adminKey }: EdgeAddress,
  patienceMs: number,
  signal: AbortSignal,
): Ask {
  async function once<Answer>(
    request: EdgeRequest<Answer>,
  ): Promise<{ result: EdgeResult<Answer>; passing: boolean }> {
    const { method, path, body, headers, readAnswer } = request;
    const asked = `${method} ${path}`;
    const refused = (detail: string, passing: boolean) => {
      return { result: { reason: "refused" as const, detail: `${asked} ${detail}` }, passing };
    };
    let response: Response;
    let bytes: Uint8Array<ArrayBuffer>;
    try {
      response = await fetch(new URL(path, url), {
        method,
        headers: { authorization: `Bearer ${adminKey}`, ...contentTypeOf(body), ...headers },
        body: bodyOf(body),
        signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_LIMIT_MS)]),
      });
      bytes = new Uint8Array(await response.arrayBuffer());
    } catch (error) {
      const detail = `${asked} at ${url} failed: ${messageOf(error)}`;
      return { result: { reason: "unreachable", detail }, passing: true };
    }
    if (!response.ok) {
      const text = textOf(bytes);
      if (problemTypeOf(text) === "not_published") {
        const detail = `${asked}: nothing of the kind was published yet`;
        return { result: { reason: "not_published", detail }, passing: false };
      }
      const detail = `was answered ${response.status}: ${text.slice(0, 2_000)}`;
      return refused(detail, PASSING_STATUSES.has(response.status));
    }
    const answer = readAnswer(bytes);
    return answer === null
      ? refused(
          `was answered something else than this version knows: ${textOf(bytes).slice(0, 500)}`,
          false,
        )
      : { result: answer, passing: false };
  }

  return async (request) => {
    const giveUpAt = performance.now() + patienceMs;
    let pauseMs = FIRST_RETRY_MS;
    for (;;) {
      const { result, passing } = await once(request);
      if (!passing || signal.aborted || performance.now() + pauseMs > giveUpAt) return result;
      await sleep(pauseMs);
      pauseMs = Math.min(pauseMs * 2, LONGEST_RETRY_MS);
    }
  };
}

/** Reads JSON that fits `schema`. */
export function jsonAnswer<Schema extends z.ZodType>(schema: Schema) {
  return (bytes: Uint8Array): z.output<Schema> | null => {
    const answer = schema.safeParse(jsonOrNull(textOf(bytes)));
    return answer.success ? answer.data : null;
  };
}

function contentTypeOf(body: unknown): Record<string, string> {
  // A form names its own type, with its boundary.
  if (body === undefined || body instanceof FormData) return {};
  const type = body instanceof Uint8Array ? "application/octet-stream" : "application/json";
  return { "content-type": type };
}

function bodyOf(body: unknown): string | FormData | Uint8Array<ArrayBuffer> | null {
  if (body === undefined) return null;
  if (body instanceof FormData) return body;
  return body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body);
}

const decoder = new TextDecoder();
const textOf = (bytes: Uint8Array) => decoder.decode(bytes);

const problemSchema = z.looseObject({ type: z.string() });

/** `not_published` of the problem type `/docs/problems#not_published`; null when the text is no problem. */
function problemTypeOf(text: string): string | null {
  const problem = problemSchema.safeParse(jsonOrNull(text));
  return problem.success ? (problem.data.type.split("#").at(-1) ?? null) : null;
}
