import type { Context } from "../../domain/context.ts";
import type { BookingHistory } from "../../domain/history.ts";
import type { LiveSignals } from "../../domain/signals.ts";
import { type EpochMs, QUARTER_HOUR_MS, type RegionId } from "../../domain/units.ts";

/** What is known of one region's past. */
export interface RegionHistory {
  readonly regionId: RegionId;
  readonly timeZone: string;
  readonly bookings: BookingHistory;
  /** The outside readings that the region had had at an instant. */
  contextAt(asOf: EpochMs): Context;
}

/** The past that a model is trained and judged on. */
export interface DemandHistory {
  readonly regions: readonly RegionHistory[];
}

/** The stretch in which the bookings of every region are known. */
export function knownStretch({ regions }: DemandHistory): { startAt: EpochMs; endAt: EpochMs } {
  return {
    startAt: Math.max(...regions.map(({ bookings }) => bookings.startAt)) as EpochMs,
    endAt: Math.min(...regions.map(({ bookings }) => bookings.endAt)) as EpochMs,
  };
}

/** The regions with the most bookings before `untilAt`, the busiest first. */
export function busiestRegions(
  { regions }: DemandHistory,
  count: number,
  untilAt: EpochMs,
): RegionHistory[] {
  const bookingsOf = ({ bookings }: RegionHistory) => bookings.between(bookings.startAt, untilAt);
  return [...regions].sort((a, b) => bookingsOf(b) - bookingsOf(a)).slice(0, count);
}

/**
 * What the live windows would have said at a past quarter hour.
 *
 * Only bookings are kept for long: searches and cancellations read zero at all times of the past, so that no model
 * can learn anything from them.
 */
export function pastSignals(bookings: BookingHistory, asOf: EpochMs): LiveSignals {
  return {
    asOf,
    bookingCount1m: 0,
    bookingCount5m: 0,
    bookingCount15m: bookings.between(asOf - QUARTER_HOUR_MS, asOf),
    searchCount5m: 0,
    searchCount15m: 0,
    cancellationCount15m: 0,
    activeSessions30m: 0,
    lastBookingAt: null,
  };
}
