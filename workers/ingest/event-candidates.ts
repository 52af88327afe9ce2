import { type EventRejection, MAX_EVENTS_PER_REQUEST } from "../../contract/events.ts";
import type { FieldError, Problem } from "../../contract/problem.ts";

/** What a body holds, not yet checked. */
export interface EventCandidates {
  /** As JSON would have them, or UnreadableEvent. */
  events: unknown[];
  /** True when the body is one bare event: its fields are then named without `events[0]`. */
  isSingle: boolean;
}

/** Stands for an event that its format could not read while it could read the others. It is rejected like one that does not fit. */
export class UnreadableEvent {
  readonly rejection: EventRejection;

  constructor(detail: string, errors?: FieldError[]) {
    this.rejection = { type: "invalid_event", detail, ...(errors && { errors }) };
  }
}

/** The candidates, or the problem that they are too many or none. */
export function countedCandidates(candidates: EventCandidates): EventCandidates | Problem {
  const count = candidates.events.length;
  if (count > MAX_EVENTS_PER_REQUEST) return tooManyEvents(`${count} events`);
  return count === 0 ? invalidBody("events", "The body holds no event.") : candidates;
}

/** `found` says how many there are, as far as they were counted. */
export function tooManyEvents(found = `more than ${MAX_EVENTS_PER_REQUEST} events`): Problem {
  const detail = `The body holds ${found}; at most ${MAX_EVENTS_PER_REQUEST} are taken at once.`;
  return { type: "too_many_events", detail, errors: [{ path: "events", detail }] };
}

/** The problem of a body that could be read, but is none that holds events. */
export function invalidBody(path: string, detail: string): Problem {
  return { type: "invalid_events", detail, errors: [{ path, detail }] };
}
