import { FORTNIGHT } from "../../data/nyc/period.ts";
import type { PickupColumns, RegionZone } from "../../data/nyc/tables.ts";
import { type EpochMs, QUARTER_HOUR_MS, type RegionId, WEEK_MS } from "../../domain/units.ts";
import { intoFortnight } from "./timeline.ts";

const SLOTS_PER_WEEK = WEEK_MS / QUARTER_HOUR_MS;

/** Pickups that are usual by quarter hour of the week: what a driver with some experience expects. */
export class UsualDemand {
  private readonly bySlot: Map<RegionId, Float64Array>;

  /** Averages the quarter hours before the fortnight, each smoothed with the one before and after. */
  constructor(zones: readonly RegionZone[], table: PickupColumns) {
    const sums = new Map(zones.map((zone) => [zone.locationId, new Float64Array(SLOTS_PER_WEEK)]));
    let earliestAt: number = FORTNIGHT.startAt;
    for (let row = 0; row < table.length; row++) {
      const at = table.slotAt[row] ?? 0;
      if (at >= FORTNIGHT.startAt) continue;
      earliestAt = Math.min(earliestAt, at);
      const sum = sums.get(table.zoneId[row] ?? 0);
      const slot = slotOf(at);
      if (sum !== undefined) sum[slot] = (sum[slot] ?? 0) + (table.pickups[row] ?? 0);
    }
    const weeks = Math.max(1, (FORTNIGHT.startAt - earliestAt) / WEEK_MS);
    this.bySlot = new Map(
      zones.map(({ regionId, locationId }) => [
        regionId,
        smoothed(sums.get(locationId) ?? new Float64Array(SLOTS_PER_WEEK), weeks),
      ]),
    );
  }

  /** Pickups usual in the quarter hour around `recordedAt`, between slots interpolated. */
  perQuarterHour(regionId: RegionId, recordedAt: EpochMs): number {
    const slots = this.bySlot.get(regionId);
    if (slots === undefined) throw new RangeError(`no history of region ${regionId}`);
    const position = (intoFortnight(recordedAt) - FORTNIGHT.startAt) / QUARTER_HOUR_MS - 0.5;
    const slot = Math.floor(position);
    const before = slots[inWeek(slot)] ?? 0;
    const after = slots[inWeek(slot + 1)] ?? 0;
    return before + (after - before) * (position - slot);
  }
}

function slotOf(at: number): number {
  return inWeek(Math.floor((at - FORTNIGHT.startAt) / QUARTER_HOUR_MS));
}

function inWeek(slot: number): number {
  return ((slot % SLOTS_PER_WEEK) + SLOTS_PER_WEEK) % SLOTS_PER_WEEK;
}

function smoothed(sums: Float64Array, weeks: number): Float64Array {
  return sums.map((sum, slot) => {
    const around = (sums[inWeek(slot - 1)] ?? 0) + sum + (sums[inWeek(slot + 1)] ?? 0);
    return around / 3 / weeks;
  });
}
