import { MAX_EVENTS_PER_REQUEST } from "../../contract/events.ts";
import { messageOf } from "../../contract/log.ts";
import type { Problem } from "../../contract/problem.ts";

/** What a body holds, not yet checked. */
export interface EventCandidates {
  events: unknown[];
  /** True when the body is one bare event: its fields are then named without `events[0]`. */
  isSingle: boolean;
}

export const EVENT_MEDIA_TYPES = ["application/json", "application/x-ndjson"] as const;
export type EventMediaType = (typeof EVENT_MEDIA_TYPES)[number];

/** A line of NDJSON that is no JSON; it is rejected like an event that does not fit. */
export class MalformedLine {
  readonly detail: string;

  constructor(detail: string) {
    this.detail = detail;
  }
}

/** The events of a body, or the problem the whole body is. */
export function eventCandidates(
  body: string,
  mediaType: EventMediaType,
): EventCandidates | Problem {
  const candidates = mediaType === "application/json" ? fromJson(body) : fromLines(body);
  if ("type" in candidates) return candidates;
  const count = candidates.events.length;
  if (count > MAX_EVENTS_PER_REQUEST) {
    const detail = `The body holds ${count} events; at most ${MAX_EVENTS_PER_REQUEST} are taken at once.`;
    return { type: "too_many_events", detail, errors: [{ path: "events", detail }] };
  }
  if (count === 0) return invalid("events", "The body holds no event.");
  return candidates;
}

function fromJson(body: string): EventCandidates | Problem {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch (error) {
    const detail = body.trim() === "" ? "The body is empty." : messageOf(error);
    return { type: "malformed_json", detail };
  }
  if (Array.isArray(json)) return { events: json, isSingle: false };
  if (typeof json !== "object" || json === null) {
    return invalid(
      "",
      "The body is neither an event, nor an array of events, nor {events: [...]}.",
    );
  }
  if (!("events" in json)) return { events: [json], isSingle: true };
  const stray = Object.keys(json).find((name) => name !== "events");
  if (stray !== undefined) return invalid(stray, "There is no such field beside events.");
  if (!Array.isArray(json.events)) return invalid("events", "This is not an array.");
  return { events: json.events, isSingle: false };
}

/** One event a line; empty lines count for nothing. */
function fromLines(body: string): EventCandidates | Problem {
  const events: unknown[] = [];
  let malformed: MalformedLine | null = null;
  for (const [i, line] of body.split("\n").entries()) {
    if (line.trim() === "") continue;
    try {
      events.push(JSON.parse(line));
    } catch (error) {
      const found = new MalformedLine(`Line ${i + 1} is not JSON: ${messageOf(error)}`);
      malformed ??= found;
      events.push(found);
    }
  }
  if (malformed && events.every((event) => event instanceof MalformedLine)) {
    return { type: "malformed_json", detail: malformed.detail };
  }
  return { events, isSingle: false };
}

function invalid(path: string, detail: string): Problem {
  return { type: "invalid_events", detail, errors: [{ path, detail }] };
}
