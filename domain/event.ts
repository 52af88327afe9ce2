import type { EpochMs, ProductType, RegionId } from "./units.ts";

/** Topics and the event types that belong to each. A type belongs to exactly one topic. */
export const EVENT_TYPES = {
  "user-events": ["search", "view", "booking", "cancellation"],
  "supply-events": ["supply_update", "driver_location"],
  "external-events": ["weather", "traffic", "local_event", "holiday"],
  "retail-events": ["sale", "stock_level", "price_change"],
} as const;

export type Topic = keyof typeof EVENT_TYPES;
export type EventType = (typeof EVENT_TYPES)[Topic][number];

/** Every event type; its place in the list is its code in packed chunks, so types are only ever appended. */
export const ALL_EVENT_TYPES: readonly EventType[] = Object.values(EVENT_TYPES).flat();

/** The topic each type belongs to. */
export const TOPIC_OF = Object.fromEntries(
  Object.entries(EVENT_TYPES).flatMap(([topic, types]) => types.map((type) => [type, topic])),
) as Record<EventType, Topic>;

/** An event as the windows see it: checked, its personal ids already hashed. */
export interface DemandEvent {
  eventType: EventType;
  regionId: RegionId;
  /** When it happened, by the sender's clock. */
  occurredAt: EpochMs;
  /** 64 bits of a keyed hash of the idempotency key, as two unsigned 32-bit halves. */
  keyHigh: number;
  keyLow: number;
  /** 64 bits of the HMAC of the user id (of a driver_location, of the driver's); both zero when the event names nobody. */
  userHigh: number;
  userLow: number;
  productType: ProductType | null;
  quantity: number;
  /** JSON text of the metadata, `""` when there is none. */
  metadata: string;
}
