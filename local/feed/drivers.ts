import type { Supply } from "../../domain/context.ts";
import {
  type EpochMs,
  MINUTE_MS,
  plus,
  QUARTER_HOUR_MS,
  type RegionId,
} from "../../domain/units.ts";
import { drawsFor } from "./random.ts";
import type { RecordedPickups } from "./recorded-pickups.ts";
import type { UsualDemand } from "./usual-demand.ts";

/**
 * Drivers of a region, simulated.
 *
 * A trip takes a quarter hour, so as many drivers are busy as rides were booked in the last one. The
 * fleet follows what is usual for the slot and, late, what has been going on: in an ordinary quarter
 * hour as many are free as busy, and a sudden rush finds too few.
 */
const TRIP_MS = QUARTER_HOUR_MS;
/** Drivers are where demand usually was this long ago. */
const HABIT_LAG_MS = 10 * MINUTE_MS;
/** Word of a rush gets round after a quarter hour, and counts for three more. */
const WORD_LAG_MS = QUARTER_HOUR_MS;
const WORD_SPAN_MS = 3 * QUARTER_HOUR_MS;
const WORD_SHARE = 0.3;
const FLEET_PER_RIDE = 2;
/** Two cruise even where nobody calls. */
const SMALLEST_FLEET = 2;
/** The fleet wanders by up to a quarter around that, over half hours. */
const WANDER = 0.25;
const WANDER_MS = 30 * MINUTE_MS;

export interface DriverInputs {
  readonly seed: number;
  readonly pickups: RecordedPickups;
  readonly usual: UsualDemand;
}

/**
 * Free and busy drivers at the start of a minute.
 *
 * @param at event time, which the wandering follows
 * @param recordedAt the minute of the fortnight that plays then
 */
export function driversAt(
  { seed, pickups, usual }: DriverInputs,
  regionId: RegionId,
  at: EpochMs,
  recordedAt: EpochMs,
): Supply {
  const busy = pickups.between(regionId, plus(recordedAt, -TRIP_MS), recordedAt);
  const habit = usual.perQuarterHour(regionId, plus(recordedAt, -HABIT_LAG_MS));
  const wordUntilAt = plus(recordedAt, -WORD_LAG_MS);
  const word =
    (pickups.between(regionId, plus(wordUntilAt, -WORD_SPAN_MS), wordUntilAt) * QUARTER_HOUR_MS) /
    WORD_SPAN_MS;
  const expected = (1 - WORD_SHARE) * habit + WORD_SHARE * word;
  const fleet = Math.round(FLEET_PER_RIDE * expected * Math.exp(wander(seed, regionId, at)));
  return { available: Math.max(0, Math.max(SMALLEST_FLEET, fleet) - busy), busy };
}

/** Smooth noise within plus and minus WANDER: random at every half hour, straight lines between. */
function wander(seed: number, regionId: RegionId, at: EpochMs): number {
  const position = at / WANDER_MS;
  const step = Math.floor(position);
  const levelAt = (index: number) =>
    drawsFor(seed, "drivers", regionId, index).between(-WANDER, WANDER);
  const level = levelAt(step);
  return level + (levelAt(step + 1) - level) * (position - step);
}
