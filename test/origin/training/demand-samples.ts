import { NO_CONTEXT } from "../../../domain/context.ts";
import { BookingHistory } from "../../../domain/history.ts";
import { DAY_MS, epochMs, QUARTER_HOUR_MS, type RegionId } from "../../../domain/units.ts";
import type { DemandHistory } from "../../../origin/training/demand-history.ts";
import { uniformAt } from "../../../origin/training/seeded-random.ts";
import { poissonCount } from "./training-samples.ts";

/** Monday 5 January 2026, 00:00 UTC. */
export const START_AT = epochMs(Date.UTC(2026, 0, 5));
export const SLOTS_PER_DAY = DAY_MS / QUARTER_HOUR_MS;

/** Bookings of one region by quarter hour: a daily wave with a quiet Sunday, and chance. */
export function bookingCounts(days: number, busiest: number, seed: number): number[] {
  return Array.from({ length: days * SLOTS_PER_DAY }, (_, slot) => {
    const wave = 1 - Math.cos((2 * Math.PI * slot) / SLOTS_PER_DAY);
    const isSunday = Math.floor(slot / SLOTS_PER_DAY) % 7 === 6;
    const rate = (busiest / 2) * wave * (isSunday ? 0.4 : 1) + 0.2;
    return poissonCount(rate, uniformAt(seed, 0, slot));
  });
}

/** Three regions in London, the busiest last. */
export function demandHistory(days: number): DemandHistory {
  return {
    regions: [4, 8, 20].map((busiest, index) => ({
      regionId: `test-${index}` as RegionId,
      timeZone: "Europe/London",
      bookings: new BookingHistory(START_AT, bookingCounts(days, busiest, index)),
      contextAt: () => NO_CONTEXT,
    })),
  };
}
