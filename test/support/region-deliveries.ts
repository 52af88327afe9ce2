/** Events of one region and their deliveries, for properties about exactly-once counting. */
import fc from "fast-check";
import type { DemandEvent } from "../../domain/event.ts";
import { type EpochMs, MINUTE_MS, type RegionId, SECOND_MS } from "../../domain/units.ts";
import type { LatenessRules } from "../../domain/watermark.ts";

export const T0 = Date.UTC(2026, 0, 11, 10, 30) as EpochMs;

export const RULES: LatenessRules = {
  outOfOrdernessMs: 10 * SECOND_MS,
  allowedLatenessMs: 5 * MINUTE_MS,
  idleAfterMs: 5 * MINUTE_MS,
  transitAllowanceMs: MINUTE_MS,
};

/** A 32-bit mix of an integer, as hashed keys look. */
export function mixed(n: number): number {
  let x = Math.imul(n + 1, 0x9e3779b1);
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  return (x ^ (x >>> 13)) >>> 0;
}

/** A user event with the n-th key; everything that is not given is ordinary. */
export function demandEvent(n: number, fields: Partial<DemandEvent> = {}): DemandEvent {
  return {
    eventType: "booking",
    regionId: "nyc-161" as RegionId,
    occurredAt: T0,
    keyHigh: mixed(n),
    keyLow: mixed(n + 0x10000),
    userHigh: 0,
    userLow: 0,
    productType: null,
    quantity: 1,
    metadata: "",
    ...fields,
  };
}

/** Distinct user events over `spanMs`, by up to 20 users. */
export function userEvents(maxLength: number, spanMs: number): fc.Arbitrary<DemandEvent[]> {
  const one = fc.record({
    eventType: fc.constantFrom("search", "view", "booking", "cancellation"),
    offsetMs: fc.nat({ max: spanMs }),
    user: fc.nat({ max: 20 }),
  });
  return fc.array(one, { maxLength }).map((drawn) =>
    drawn.map(({ eventType, offsetMs, user }, n) =>
      demandEvent(n, {
        eventType,
        occurredAt: (T0 + offsetMs) as EpochMs,
        userHigh: user === 0 ? 0 : mixed(user),
        userLow: user === 0 ? 0 : mixed(user + 0x20000),
      }),
    ),
  );
}

/** Events that arrive together. */
export interface Delivery {
  receivedAt: EpochMs;
  arrivedAt: EpochMs;
  events: DemandEvent[];
}

/** Groups single arrivals, in order of arrival, into deliveries of up to `most` that spend at most `transitMs` on the way. */
export function deliveriesFrom(
  arrivals: readonly { event: DemandEvent; arrivedAt: number }[],
  most: number,
  transitMs: number,
): Delivery[] {
  const deliveries: Delivery[] = [];
  for (const { event, arrivedAt } of arrivals.toSorted((a, b) => a.arrivedAt - b.arrivedAt)) {
    const open = deliveries.at(-1);
    if (open && open.events.length < most && arrivedAt - open.receivedAt <= transitMs) {
      open.events.push(event);
      open.arrivedAt = arrivedAt as EpochMs;
    } else {
      const at = arrivedAt as EpochMs;
      deliveries.push({ receivedAt: at, arrivedAt: at, events: [event] });
    }
  }
  return deliveries;
}
