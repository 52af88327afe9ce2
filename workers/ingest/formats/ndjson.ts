import { MAX_EVENTS_PER_REQUEST } from "../../../contract/events.ts";
import { messageOf } from "../../../contract/log.ts";
import { countedCandidates, tooManyEvents, UnreadableEvent } from "../event-candidates.ts";
import { bodyText } from "./body-text.ts";
import type { EventFormat } from "./event-format.ts";

/** One event a line; empty lines count for nothing. */
export const ndjson: EventFormat = {
  name: "ndjson",
  mediaTypes: ["application/x-ndjson", "application/jsonl"],
  read(body) {
    const text = bodyText(body);
    if (typeof text !== "string") return text;
    const events: unknown[] = [];
    let malformed: string | null = null;
    for (const [i, line] of text.split("\n").entries()) {
      if (line.trim() === "") continue;
      if (events.length === MAX_EVENTS_PER_REQUEST) return tooManyEvents();
      try {
        events.push(JSON.parse(line));
      } catch (error) {
        const detail = `Line ${i + 1} is not JSON: ${messageOf(error)}`;
        malformed ??= detail;
        events.push(new UnreadableEvent(detail));
      }
    }
    if (malformed !== null && events.every((event) => event instanceof UnreadableEvent)) {
      return { type: "malformed_json", detail: malformed };
    }
    return countedCandidates({ events, isSingle: false });
  },
};
