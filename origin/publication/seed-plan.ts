/** Which stretch of the shipped past a region is told as its own. */
import type { VirtualClock } from "../../contract/clock.ts";
import type { HistorySeed } from "../../contract/rpc.ts";
import { offsetMsAt } from "../../domain/calendar.ts";
import { HISTORY_SLOTS } from "../../domain/history.ts";
import {
  type EpochMs,
  epochMs,
  floorTo,
  plus,
  QUARTER_HOUR_MS,
  type RegionId,
  WEEK_MS,
} from "../../domain/units.ts";
import type { BookingTable } from "../offline/load-bookings.ts";

export interface SeedPlan {
  /** The end of the history that is told, as it was recorded. */
  recordedUntil: EpochMs;
  /** What is added to recorded times to get the times told. */
  shiftMs: number;
}

/**
 * On a virtual clock the past is told as it was, up to where the clock starts. On the wall clock it is moved by the
 * fewest whole weeks that carry its end past now, and cut at now: weekdays stay what they were.
 */
export function seedPlanFrom(
  clock: VirtualClock | null,
  wallNow: EpochMs,
  recordedEndAt: EpochMs,
): SeedPlan {
  if (clock !== null) {
    return { recordedUntil: floorTo(epochMs(clock.eventAt), QUARTER_HOUR_MS), shiftMs: 0 };
  }
  const weeks = Math.max(0, Math.floor((wallNow - recordedEndAt) / WEEK_MS) + 1);
  const shiftMs = weeks * WEEK_MS;
  return { recordedUntil: floorTo(plus(wallNow, -shiftMs), QUARTER_HOUR_MS), shiftMs };
}

/**
 * The last 29 days of a region in a table, as the plan tells them.
 *
 * Weeks are moved on the region's own wall clock, so that its rush hours stay in place where daylight saving began or ended
 * in between. The hour that an autumn night has twice is told twice.
 */
export function seedFrom(
  table: BookingTable,
  { regionId, timeZone }: { regionId: RegionId; timeZone: string },
  { recordedUntil, shiftMs }: SeedPlan,
): HistorySeed {
  const counts = table.countsByRegion.get(regionId);
  const slotOf = (toldAt: EpochMs) => {
    const sameUtcAt = plus(toldAt, -shiftMs);
    const recordedAt = sameUtcAt + offsetMsAt(toldAt, timeZone) - offsetMsAt(sameUtcAt, timeZone);
    return (recordedAt - table.startAt) / QUARTER_HOUR_MS;
  };
  const toldUntil = plus(recordedUntil, shiftMs);
  const slots = Array.from({ length: HISTORY_SLOTS }, (_, i) => {
    return slotOf(plus(toldUntil, (i - HISTORY_SLOTS) * QUARTER_HOUR_MS));
  });
  const known = slots.filter((slot) => slot >= 0);
  return {
    startAt: plus(toldUntil, -known.length * QUARTER_HOUR_MS),
    counts: known.map((slot) => counts?.[slot] ?? 0),
  };
}
