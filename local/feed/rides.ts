import { instantText } from "../../contract/names.ts";
import {
  type EpochMs,
  MINUTE_MS,
  type ProductType,
  plus,
  type RegionId,
  SECOND_MS,
} from "../../domain/units.ts";
import type { TimedEvent } from "./feed-event.ts";
import { type Draws, drawsFor } from "./random.ts";

/**
 * What people do around one recorded pickup: look for a ride, look at its price, book it, and now and
 * then think better of it. Only the booking's minute and region are real.
 */

/** A ride is searched for at most this long before its booking... */
export const LONGEST_SEARCH_LEAD_MS = 8 * MINUTE_MS;
/** ...and cancelled at most this long after. */
export const LONGEST_CANCEL_DELAY_MS = 10 * MINUTE_MS;

const SHORTEST_SEARCH_LEAD_MS = 5 * SECOND_MS;
const SHORTEST_CANCEL_DELAY_MS = MINUTE_MS;
const LONGEST_VIEW_LEAD_MS = 60 * SECOND_MS;
/** Searches per booking, the rider's own and those of people who then walk. */
const SEARCHES = { fewest: 4, most: 6, byRider: 2 };
const CANCEL_SHARE = 0.06;
const PREMIUM_SHARE = 0.2;
/** Users of the whole city; a region's regulars are not told apart. */
const USER_COUNT = 20_000;

const STANDARD = "standard_ride" as ProductType;
const PREMIUM = "premium_ride" as ProductType;
export const PRODUCT_TYPES: readonly ProductType[] = [STANDARD, PREMIUM];

export interface RideMinute {
  readonly seed: number;
  readonly regionId: RegionId;
  /** Event time; two rounds of the fortnight never share it, so their keys never meet. */
  readonly minuteAt: EpochMs;
  /** Bookings in the minute. */
  readonly bookings: number;
}

/** The events of all rides booked in one minute of one region, in no order; some lie minutes around. */
export function rideEvents({ seed, regionId, minuteAt, bookings }: RideMinute): TimedEvent[] {
  const draws = drawsFor(seed, "rides", regionId, minuteAt);
  const events: TimedEvent[] = [];
  for (let ride = 0; ride < bookings; ride++) {
    const key = [regionId, seed.toString(36), (minuteAt / MINUTE_MS).toString(36), ride].join(".");
    events.push(...oneRide(draws, regionId, minuteAt, key));
  }
  return events;
}

function oneRide(draws: Draws, regionId: RegionId, minuteAt: EpochMs, key: string): TimedEvent[] {
  const bookedAt = plus(minuteAt, draws.below(MINUTE_MS));
  const rider = userId(draws);
  const productType = draws.chance(PREMIUM_SHARE) ? PREMIUM : STANDARD;

  const event = (
    type: "search" | "view" | "booking" | "cancellation",
    at: EpochMs,
    user: string,
    suffix: string,
  ): TimedEvent => ({
    at,
    event: {
      event_type: type,
      region_id: regionId,
      timestamp: instantText(at),
      idempotency_key: `${key}.${suffix}`,
      user_id: user,
      product_type: productType,
      quantity: 1,
    },
  });

  const events = [event("booking", bookedAt, rider, "b")];
  const viewLeadMs = draws.between(SHORTEST_SEARCH_LEAD_MS, LONGEST_VIEW_LEAD_MS);
  events.push(event("view", plus(bookedAt, -Math.round(viewLeadMs)), rider, "v"));
  const searches = SEARCHES.fewest + draws.below(SEARCHES.most - SEARCHES.fewest + 1);
  for (let search = 0; search < searches; search++) {
    const user = search < SEARCHES.byRider ? rider : userId(draws);
    const leadMs = draws.between(SHORTEST_SEARCH_LEAD_MS, LONGEST_SEARCH_LEAD_MS);
    events.push(event("search", plus(bookedAt, -Math.round(leadMs)), user, `s${search}`));
  }
  if (draws.chance(CANCEL_SHARE)) {
    const delayMs = draws.between(SHORTEST_CANCEL_DELAY_MS, LONGEST_CANCEL_DELAY_MS);
    events.push(event("cancellation", plus(bookedAt, Math.round(delayMs)), rider, "c"));
  }
  return events;
}

function userId(draws: Draws): string {
  return `u-${draws.below(USER_COUNT)}`;
}
