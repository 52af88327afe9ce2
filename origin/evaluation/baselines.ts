import type { BookingHistory } from "../../domain/history.ts";
import { type EpochMs, WEEK_MS } from "../../domain/units.ts";

const MEAN_OF_WEEKS = 4;

/** Bookings of the same stretch a week before; NaN when they are not known. */
export function lastWeek(history: BookingHistory, fromAt: number, toAt: number): number {
  return history.covers(fromAt - WEEK_MS, toAt - WEEK_MS)
    ? history.between(fromAt - WEEK_MS, toAt - WEEK_MS)
    : Number.NaN;
}

/** The mean of the same stretch over the four weeks before, or as many of them as are known; NaN when none is. */
export function meanOfWeeks(history: BookingHistory, fromAt: number, toAt: number): number {
  const known = Array.from({ length: MEAN_OF_WEEKS }, (_, week) => (week + 1) * WEEK_MS)
    .filter((backMs) => history.covers(fromAt - backMs, toAt - backMs))
    .map((backMs) => history.between(fromAt - backMs, toAt - backMs));
  return known.reduce((sum, bookings) => sum + bookings, 0) / known.length;
}

/**
 * The mean absolute error of `lastWeek` over all stretches of `widthMs` before `untilAt`: the scale of the scaled
 * error.
 */
export function seasonalNaiveError(
  history: BookingHistory,
  widthMs: number,
  untilAt: EpochMs,
): number {
  let errors = 0;
  let count = 0;
  for (let at = history.startAt + WEEK_MS; at + widthMs <= untilAt; at += widthMs) {
    errors += Math.abs(history.between(at, at + widthMs) - lastWeek(history, at, at + widthMs));
    count += 1;
  }
  return errors / count;
}
