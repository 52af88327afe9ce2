import { FORTNIGHT } from "../../data/nyc/period.ts";
import type { PickupColumns, RegionZone } from "../../data/nyc/tables.ts";
import { type EpochMs, MINUTE_MS, plus, type RegionId } from "../../domain/units.ts";
import { FORTNIGHT_MS, intoFortnight } from "./timeline.ts";

const MINUTES = FORTNIGHT_MS / MINUTE_MS;

/**
 * The fortnight's pickups, ready to be asked by minute.
 *
 * Kept as running totals per region, so that any stretch is two lookups: 6 MB for 72 regions.
 */
export class RecordedPickups {
  /** For each region MINUTES + 1 totals: pickups before each minute of the fortnight. */
  private readonly totals: Map<RegionId, Uint32Array>;

  constructor(zones: readonly RegionZone[], table: PickupColumns) {
    this.totals = new Map(zones.map(({ regionId }) => [regionId, new Uint32Array(MINUTES + 1)]));
    const byZone = new Map(
      zones.map(({ locationId, regionId }) => [locationId, this.totalsOf(regionId)]),
    );
    for (let row = 0; row < table.length; row++) {
      const totals = byZone.get(table.zoneId[row] ?? 0);
      if (totals === undefined) continue;
      const minute = ((table.slotAt[row] ?? 0) - FORTNIGHT.startAt) / MINUTE_MS;
      totals[minute + 1] = table.pickups[row] ?? 0;
    }
    for (const totals of this.totals.values()) {
      for (let minute = 0; minute < MINUTES; minute++) {
        totals[minute + 1] = (totals[minute + 1] ?? 0) + (totals[minute] ?? 0);
      }
    }
  }

  /** Pickups in the minute that begins at `recordedAt`, an instant of the fortnight. */
  inMinute(regionId: RegionId, recordedAt: EpochMs): number {
    return this.between(regionId, recordedAt, plus(recordedAt, MINUTE_MS));
  }

  /**
   * Pickups in [fromAt, toAt), whole minutes, shorter than a fortnight; before the fortnight begins
   * lies the end of its last round.
   */
  between(regionId: RegionId, fromAt: EpochMs, toAt: EpochMs): number {
    const totals = this.totalsOf(regionId);
    const from = minuteOf(fromAt);
    const to = from + (toAt - fromAt) / MINUTE_MS;
    const beforeWrap = (totals[Math.min(to, MINUTES)] ?? 0) - (totals[from] ?? 0);
    return beforeWrap + (to > MINUTES ? (totals[to - MINUTES] ?? 0) : 0);
  }

  private totalsOf(regionId: RegionId): Uint32Array {
    const totals = this.totals.get(regionId);
    if (totals === undefined) throw new RangeError(`no pickups of region ${regionId}`);
    return totals;
  }
}

function minuteOf(at: EpochMs): number {
  return Math.floor((intoFortnight(at) - FORTNIGHT.startAt) / MINUTE_MS);
}
