import type { EventInput } from "../../contract/events.ts";
import type { EpochMs } from "../../domain/units.ts";

/** An event with the instant it is sent; its own timestamp says when it happened, which may be earlier. */
export interface TimedEvent {
  readonly at: EpochMs;
  readonly event: EventInput;
}

/** By time; at one instant by region and key, so that the order is total and the same in every run. */
export function byTime(a: TimedEvent, b: TimedEvent): number {
  return (
    a.at - b.at ||
    compareText(a.event.region_id, b.event.region_id) ||
    compareText(a.event.idempotency_key, b.event.idempotency_key)
  );
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
