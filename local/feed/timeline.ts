import { FORTNIGHT, NEW_YORK_TIME_ZONE, NEW_YORK_TO_UTC_MS } from "../../data/nyc/period.ts";
import { offsetMsAt } from "../../domain/calendar.ts";
import { type EpochMs, plus } from "../../domain/units.ts";

/**
 * Event time runs on for ever; the recorded fortnight plays again and again underneath it.
 *
 * Two whole weeks, so that a Monday always plays a Monday. The match is by New York's wall clock, not
 * by UTC: when daylight saving ends, the morning rush stays in the morning.
 */
export const FORTNIGHT_MS = FORTNIGHT.endAt - FORTNIGHT.startAt;

/** The recorded instant that plays at `at`; within the fortnight itself, `at`. */
export function recordedAtOf(at: EpochMs): EpochMs {
  const wallShiftMs = offsetMsAt(at, NEW_YORK_TIME_ZONE) + NEW_YORK_TO_UTC_MS;
  return intoFortnight(plus(at, wallShiftMs));
}

/** The same instant of the fortnight, whole fortnights earlier or later. */
export function intoFortnight(at: EpochMs): EpochMs {
  const sinceStartMs = (at - FORTNIGHT.startAt) % FORTNIGHT_MS;
  return plus(FORTNIGHT.startAt, sinceStartMs < 0 ? sinceStartMs + FORTNIGHT_MS : sinceStartMs);
}
