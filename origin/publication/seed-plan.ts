/** Which stretch of the shipped past a region is told as its own. */
import type { VirtualClock } from "../../contract/clock.ts";
import type { HistorySeed } from "../../contract/rpc.ts";
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

/** The last 29 days of a region in a table, as the plan tells them. */
export function seedFrom(table: BookingTable, regionId: RegionId, plan: SeedPlan): HistorySeed {
  const skipped = Math.max(0, table.slots - HISTORY_SLOTS);
  const counts = table.countsByRegion.get(regionId) ?? new Uint32Array(table.slots);
  return {
    startAt: plus(table.startAt, skipped * QUARTER_HOUR_MS + plan.shiftMs),
    counts: Array.from(counts.subarray(skipped)),
  };
}
