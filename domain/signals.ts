import type { EpochMs } from "./units.ts";

/** What the live windows of a region say at one instant. Every window is the whole seconds before `asOf`, the one under way among them. */
export interface LiveSignals {
  asOf: EpochMs;
  bookingCount1m: number;
  bookingCount5m: number;
  bookingCount15m: number;
  searchCount5m: number;
  searchCount15m: number;
  cancellationCount15m: number;
  /** Users seen in the last 30 minutes. */
  activeSessions30m: number;
  lastBookingAt: EpochMs | null;
}

/** Cancellations per booking over the last 15 minutes; 0 without bookings. */
export function cancelRateOf(signals: LiveSignals): number {
  const { cancellationCount15m, bookingCount15m } = signals;
  return bookingCount15m === 0 ? 0 : cancellationCount15m / bookingCount15m;
}

/** Share of drivers that are busy; 0 when there are none. */
export function utilizationOf(supply: { available: number; busy: number }): number {
  const drivers = supply.available + supply.busy;
  return drivers === 0 ? 0 : supply.busy / drivers;
}

/** Free drivers per booking of the last 15 minutes. */
export function supplyDemandRatioOf(available: number, bookingCount15m: number): number {
  return available / Math.max(1, bookingCount15m);
}
