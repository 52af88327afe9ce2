import { type EpochMs, epochMs, HOUR_MS } from "../../domain/units.ts";

/**
 * The stretch of time the New York tables cover, as UTC instants.
 *
 * Sources are in New York wall time. The whole stretch lies in daylight saving time, so one fixed
 * offset turns wall time into UTC without asking the machine for its zone; a test checks it against
 * `Intl`.
 */

/** A half-open stretch of time, [startAt, endAt). */
export interface Period {
  readonly startAt: EpochMs;
  readonly endAt: EpochMs;
}

export const NEW_YORK_TIME_ZONE = "America/New_York";

/** What is added to New York daylight saving wall time to get UTC. */
export const NEW_YORK_TO_UTC_MS = 4 * HOUR_MS;

/** 1 April 2014 00:00 to 1 June 2014 00:00, New York. */
export const HISTORY: Period = {
  startAt: epochMs(Date.UTC(2014, 3, 1) + NEW_YORK_TO_UTC_MS),
  endAt: epochMs(Date.UTC(2014, 5, 1) + NEW_YORK_TO_UTC_MS),
};

/** The two weeks the demo plays, Sunday 18 May 2014 00:00 to Sunday 1 June 00:00, New York. */
export const FORTNIGHT: Period = {
  startAt: epochMs(Date.UTC(2014, 4, 18) + NEW_YORK_TO_UTC_MS),
  endAt: HISTORY.endAt,
};
