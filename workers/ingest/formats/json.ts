import { messageOf } from "../../../contract/log.ts";
import type { Problem } from "../../../contract/problem.ts";
import { countedCandidates, type EventCandidates, invalidBody } from "../event-candidates.ts";
import { bodyText } from "./body-text.ts";
import type { EventFormat } from "./event-format.ts";

/** One event, an array of them, or `{"events": [...]}`. */
export const json: EventFormat = {
  name: "json",
  mediaTypes: ["application/json"],
  read(body) {
    const value = parsedJson(body);
    if ("type" in value) return value;
    const candidates = candidatesIn(value.json);
    return "type" in candidates ? candidates : countedCandidates(candidates);
  },
};

/** The value of a body that should be JSON. */
export function parsedJson(body: Uint8Array): { json: unknown } | Problem {
  const text = bodyText(body);
  if (typeof text !== "string") return text;
  try {
    return { json: JSON.parse(text) };
  } catch (error) {
    const detail = text.trim() === "" ? "The body is empty." : messageOf(error);
    return { type: "malformed_json", detail };
  }
}

function candidatesIn(value: unknown): EventCandidates | Problem {
  if (Array.isArray(value)) return { events: value, isSingle: false };
  if (typeof value !== "object" || value === null) {
    const detail = "The body is neither an event, nor an array of events, nor {events: [...]}.";
    return invalidBody("", detail);
  }
  if (!Object.hasOwn(value, "events")) return { events: [value], isSingle: true };
  const { events, ...others } = value as Record<string, unknown>;
  const [stray] = Object.keys(others);
  if (stray !== undefined) return invalidBody(stray, "There is no such field beside events.");
  if (!Array.isArray(events)) return invalidBody("events", "This is not an array.");
  return { events, isSingle: false };
}
