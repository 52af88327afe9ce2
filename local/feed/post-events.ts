import { type EventInput, eventsAnswerSchema } from "../../contract/events.ts";
import { messageOf } from "../../contract/log.ts";
import { SECOND_MS } from "../../domain/units.ts";
import type { PostOutcome } from "./play.ts";

const REQUEST_TIMEOUT_MS = 30 * SECOND_MS;

export interface IngestEndpoint {
  /** Base URL, without the path. */
  readonly ingestUrl: string;
  readonly ingestKey: string;
}

/**
 * Posts events to the public ingest route.
 *
 * 202 and 400 settle them: what the answer lists as rejected is rejected however often it is sent. All
 * else may pass (a Worker that restarts, a limit, a key not yet installed) and is worth another try.
 */
export async function postEvents(
  { ingestUrl, ingestKey }: IngestEndpoint,
  events: readonly EventInput[],
  signal: AbortSignal,
): Promise<PostOutcome> {
  try {
    const response = await fetch(new URL("/api/v1/events", ingestUrl), {
      method: "POST",
      headers: { authorization: `Bearer ${ingestKey}`, "content-type": "application/json" },
      body: JSON.stringify({ events }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
    });
    const text = await response.text();
    if (response.status === 202) {
      return { kind: "settled", answer: eventsAnswerSchema.parse(JSON.parse(text)) };
    }
    if (response.status === 400) return { kind: "settled", answer: allRejected(events, text) };
    return {
      kind: "failed",
      reason: `${response.status} ${text.slice(0, 200)}`,
      retryAfterMs: retryAfterMsFrom(response.headers.get("retry-after")),
    };
  } catch (error) {
    return { kind: "failed", reason: messageOf(error), retryAfterMs: null };
  }
}

function allRejected(events: readonly EventInput[], text: string) {
  const detail = text.slice(0, 200);
  const rejected = events.map((_, index) => ({ index, type: "invalid_event" as const, detail }));
  return { accepted: 0, rejected };
}

/** Retry-After in seconds; the date form is not used by ingest and counts as absent. */
function retryAfterMsFrom(header: string | null): number | null {
  if (header === null || !/^\d+$/.test(header)) return null;
  return Number(header) * SECOND_MS;
}
