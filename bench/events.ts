/** Events made for a bench: many regions, repeats, times shuffled within the allowed lateness, and the exact counts to expect. */
import type { Stack } from "../test/support/stack.ts";

export interface EventStream {
  /** The next body of `size` events, and what it adds to each region's bookings. */
  next(size: number, eventNow: number): string;
  /** Unique bookings sent so far, by region. */
  readonly expected: ReadonlyMap<string, number>;
}

const SPREAD_MS = 4 * 60_000;
const REPEAT_EVERY = 10;

/** Bookings over `regions` in turn; every tenth event repeats one of the same region sent before. `run` keeps keys of runs apart. */
export function eventStream(regions: readonly string[], run: string): EventStream {
  const expected = new Map<string, number>();
  const last = new Map<string, object>();
  let sequence = 0;
  return {
    expected,
    next(size, eventNow) {
      const events = Array.from({ length: size }, () => {
        const region_id = regions[sequence % regions.length] ?? "";
        const repeat = last.get(region_id);
        const n = sequence++;
        if (repeat && n % REPEAT_EVERY === REPEAT_EVERY - 1) return repeat;
        const event = {
          event_type: "booking",
          region_id,
          // A stride that shares no factor with the spread visits it in an order that looks shuffled.
          timestamp: new Date(eventNow - ((n * 7_919) % SPREAD_MS)).toISOString(),
          idempotency_key: `${run}-${n}`,
          user_id: `u-${n % 5_000}`,
          product_type: "standard_ride",
          quantity: 1,
        };
        last.set(region_id, event);
        expected.set(region_id, (expected.get(region_id) ?? 0) + 1);
        return event;
      });
      return JSON.stringify({ events });
    },
  };
}

/** Posts one body. Throws on any answer but 202: a bench that loses events measures nothing. */
export async function postEvents(stack: Stack, body: string): Promise<void> {
  const response = await fetch(`${stack.ingestUrl}/api/v1/events`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${stack.keys.ingest}` },
    body,
  });
  const text = await response.text();
  if (response.status !== 202) throw new Error(`events answered ${response.status}: ${text}`);
}

/** Bookings counted in a region since it began. */
export async function bookingsOf(stack: Stack, region: string): Promise<number> {
  const response = await fetch(`${stack.pricingUrl}/api/v1/regions/${region}/demand`, {
    headers: { authorization: `Bearer ${stack.keys.pricing}` },
  });
  if (!response.ok) throw new Error(`demand answered ${response.status}: ${await response.text()}`);
  const { totals } = (await response.json()) as { totals: { booking: number } };
  return totals.booking;
}
