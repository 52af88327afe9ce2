import type { NumberColumn } from "../parquet-columns.ts";
import type { Period } from "./period.ts";

/** The zone id under which pickups are counted that lie in no zone. */
export const NO_ZONE = 0;

/** Counts of pickups by zone and equal slots of time. */
export class CountTable {
  readonly period: Period;
  readonly slotWidthMs: number;
  readonly slotCount: number;
  readonly counts: Uint16Array;

  constructor(period: Period, slotWidthMs: number, highestZoneId: number) {
    this.period = period;
    this.slotWidthMs = slotWidthMs;
    this.slotCount = (period.endAt - period.startAt) / slotWidthMs;
    this.counts = new Uint16Array((highestZoneId + 1) * this.slotCount);
  }

  /** Counts one pickup; one outside the period is passed over. */
  add(zoneId: number, at: number): void {
    if (at < this.period.startAt || at >= this.period.endAt) return;
    const slot = Math.floor((at - this.period.startAt) / this.slotWidthMs);
    const cell = zoneId * this.slotCount + slot;
    this.counts[cell] = (this.counts[cell] ?? 0) + 1;
  }

  total(zoneId: number): number {
    return this.counts
      .subarray(zoneId * this.slotCount, (zoneId + 1) * this.slotCount)
      .reduce((sum, count) => sum + count, 0);
  }

  /** The cells that are not zero, by zone, then time; pickups in no zone are left out. */
  columns(slotColumn: string): NumberColumn[] {
    const zoneIds: number[] = [];
    const slotAts: number[] = [];
    const pickups: number[] = [];
    const firstCell = (NO_ZONE + 1) * this.slotCount;
    for (let cell = firstCell; cell < this.counts.length; cell++) {
      const count = this.counts[cell] ?? 0;
      if (count === 0) continue;
      zoneIds.push(Math.floor(cell / this.slotCount));
      slotAts.push(this.period.startAt + (cell % this.slotCount) * this.slotWidthMs);
      pickups.push(count);
    }
    return [
      { name: "zone_id", kind: "integer", values: zoneIds },
      { name: slotColumn, kind: "instant", values: slotAts },
      { name: "pickups", kind: "integer", values: pickups },
    ];
  }
}
