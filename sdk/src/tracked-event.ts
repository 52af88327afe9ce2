import type { WireEvent } from "./generated/event-types.ts";

type WithoutStamp<Event extends WireEvent> = Event extends WireEvent
  ? Omit<Event, "timestamp" | "idempotency_key"> & {
      /** RFC 3339; the time of tracking when left out. */
      timestamp?: string | undefined;
      /** Your own key, where the event has one (a booking's number); made when left out. */
      idempotency_key?: string | undefined;
    }
  : never;

/** An event as it is tracked: its type decides which metadata it has. */
export type TrackedEvent = WithoutStamp<WireEvent>;

/** The event as it is sent. Key and time are decided here, once, and kept through every retry and restart. */
export function wireTextOf(
  event: TrackedEvent,
  now: number,
  newKey: () => string,
): { key: string; text: string } {
  const key = event.idempotency_key ?? newKey();
  const timestamp = event.timestamp ?? new Date(now).toISOString();
  return { key, text: JSON.stringify({ ...event, timestamp, idempotency_key: key }) };
}
