/** Packed events as an operator reads them: whoever they name stands there as a hash, for nothing else was ever kept. */
import * as z from "zod";
import type { DemandEvent } from "../domain/event.ts";
import type { RegionId } from "../domain/units.ts";
import { instantText } from "./names.ts";
import { EventCursor } from "./packed-events.ts";

export const readableEventSchema = z.object({
  event_type: z.string(),
  occurred_at: z.string(),
  /** Of the idempotency key, 64 bits in hex. */
  key_hash: z.string(),
  /** Of the user id, or the driver's; null when the event names nobody. */
  user_hash: z.string().nullable(),
  product_type: z.string().nullable(),
  quantity: z.int(),
  metadata: z.record(z.string(), z.unknown()),
});
export type ReadableEvent = z.infer<typeof readableEventSchema>;

/** An event as the wire writes it. */
export function readableEventFrom(event: DemandEvent): ReadableEvent {
  const { userHigh, userLow } = event;
  return {
    event_type: event.eventType,
    occurred_at: instantText(event.occurredAt),
    key_hash: hashText(event.keyHigh, event.keyLow),
    user_hash: userHigh === 0 && userLow === 0 ? null : hashText(userHigh, userLow),
    product_type: event.productType,
    quantity: event.quantity,
    metadata: event.metadata === "" ? {} : JSON.parse(event.metadata),
  };
}

/** The first `most` of a stretch of packed events. Throws RangeError on bytes that are none. */
export function readableEventsFrom(
  regionId: RegionId,
  packed: Uint8Array,
  most: number,
): ReadableEvent[] {
  const cursor = new EventCursor(regionId, packed);
  const events: ReadableEvent[] = [];
  while (events.length < most && cursor.next()) events.push(readableEventFrom(cursor));
  return events;
}

/** 64 bits as sixteen hex digits. */
export function hashText(high: number, low: number): string {
  return high.toString(16).padStart(8, "0") + low.toString(16).padStart(8, "0");
}
