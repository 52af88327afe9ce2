/** What an answer of the service means for the events that were sent. */
import { parseRetryAfter } from "./backoff.ts";
import type { RejectedEvent } from "./generated/event-types.ts";

/** What became of a request. */
export type Outcome =
  /** 202: every event is stored, except those named. */
  | { kind: "accepted"; rejected: RejectedEvent[]; retryAfterMs: number | null }
  /** The body as a whole was refused; parts of it may do. */
  | { kind: "refused"; status: number; type: string; detail: string; errors: FieldError[] }
  /** Nobody knows whether the events were stored; the same events again, under the same keys. */
  | {
      kind: "failed";
      status?: number;
      message: string;
      retryAfterMs: number | null;
      /** A smaller request may do better. */
      mayBeSize: boolean;
      cause?: unknown;
    }
  /** No request will do until the configuration changes. */
  | { kind: "stopped"; status: number; message: string };

interface FieldError {
  path: string;
  detail: string;
}

/** 401 and 403: the key. 404, 405, 410: the address. 415: a service that takes no JSON is another one. */
const STOPPING = new Set([401, 403, 404, 405, 410, 415]);
/** Client errors that pass by themselves: timeout, too early, too many. */
const PASSING = new Set([408, 425, 429]);

/** Reads an answer to `count` events. Rejects when the body does. */
export async function outcomeOf(response: Response, count: number, now: number): Promise<Outcome> {
  const { status } = response;
  const body = parsedJson(await response.text());
  const retryAfterMs = parseRetryAfter(response.headers.get("retry-after"), now);
  if (status === 202) {
    const rejected = rejectedOf(body, count);
    if (rejected) return { kind: "accepted", rejected, retryAfterMs };
  }
  const detail = textOf(body.detail) ?? textOf(body.title) ?? `the service answered ${status}`;
  if (STOPPING.has(status)) return { kind: "stopped", status, message: detail };
  if (status >= 400 && status < 500 && !PASSING.has(status)) {
    return { kind: "refused", status, type: problemType(body), detail, errors: errorsOf(body) };
  }
  // Also what no such service says: a 200 of a hotel's login page, a redirect. Events are never taken for stored by that.
  const isFailure = status === 429 || status >= 500;
  const message = isFailure ? detail : `unexpected answer ${status}`;
  return { kind: "failed", status, message, retryAfterMs, mayBeSize: status === 500 };
}

/** The rejections of a 202; null when the body is not what the service answers to `count` events. */
function rejectedOf(body: Record<string, unknown>, count: number): RejectedEvent[] | null {
  const { accepted, rejected } = body;
  if (!Array.isArray(rejected) || accepted !== count - rejected.length) return null;
  const indexes = new Set(rejected.map((entry: Partial<RejectedEvent> | null) => entry?.index));
  const isIndex = (index: unknown) =>
    Number.isInteger(index) && (index as number) >= 0 && (index as number) < count;
  return indexes.size === rejected.length && [...indexes].every(isIndex) ? rejected : null;
}

function parsedJson(text: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === "object" && json !== null ? (json as Record<string, unknown>) : {};
  } catch {
    // Proxies answer in HTML; the status says enough.
    return {};
  }
}

/** `/docs/problems#invalid_events` as `invalid_events`. */
function problemType({ type }: Record<string, unknown>): string {
  return textOf(type)?.replace(/^.*#/, "") ?? "refused";
}

function errorsOf({ errors }: Record<string, unknown>): FieldError[] {
  if (!Array.isArray(errors)) return [];
  return errors.flatMap((error: Partial<FieldError> | null) => {
    const path = textOf(error?.path);
    const detail = textOf(error?.detail);
    return path === undefined || detail === undefined ? [] : [{ path, detail }];
  });
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
