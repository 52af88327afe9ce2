import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { localTimeOf } from "../../domain/calendar.ts";
import { HISTORY_SLOTS } from "../../domain/history.ts";
import {
  DAY_MS,
  epochMs,
  plus,
  QUARTER_HOUR_MS,
  type RegionId,
  WEEK_MS,
} from "../../domain/units.ts";
import type { BookingTable } from "../../origin/offline/load-bookings.ts";
import { isDue } from "../../origin/publication/is-due.ts";
import { seedFrom, seedPlanFrom } from "../../origin/publication/seed-plan.ts";

describe("isDue()", () => {
  test.each([
    ["nothing is in force", { shipped: "v1", inForce: null, recorded: null }, true],
    ["the edge was emptied since", { shipped: "v1", inForce: null, recorded: "v1" }, true],
    [
      "it is in force, published from here",
      { shipped: "v1", inForce: "v1", recorded: "v1" },
      false,
    ],
    ["it is in force by the build alone", { shipped: "v1", inForce: "v1", recorded: null }, true],
    [
      "an earlier one from here is in force",
      { shipped: "v2", inForce: "v1", recorded: "v1" },
      true,
    ],
    ["someone else's is", { shipped: "v2", inForce: "other", recorded: "v1" }, false],
    ["only someone else's ever was", { shipped: "v1", inForce: "other", recorded: null }, false],
  ])("when %s", (_, versions, due) => {
    expect(isDue(versions)).toBe(due);
  });
});

const RECORDED_END = epochMs(Date.UTC(2014, 5, 1, 4));

describe("seedPlanFrom()", () => {
  test("tells the past as it was, up to the quarter hour in which a virtual clock starts", () => {
    const eventAt = Date.UTC(2014, 4, 19, 20, 7);
    const clock = { wallAt: 0, eventAt, speed: 60 };
    expect(seedPlanFrom(clock, epochMs(Date.UTC(2026, 0, 1)), RECORDED_END)).toEqual({
      recordedUntil: Date.UTC(2014, 4, 19, 20),
      shiftMs: 0,
    });
  });

  test("moves it by the fewest whole weeks that carry its end past now, and cuts it at now", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 20 * 365 * DAY_MS }), (sinceMs) => {
        const now = epochMs(RECORDED_END + sinceMs);
        const { recordedUntil, shiftMs } = seedPlanFrom(null, now, RECORDED_END);
        expect(shiftMs % WEEK_MS).toBe(0);
        expect(RECORDED_END + shiftMs).toBeGreaterThan(now);
        expect(RECORDED_END + shiftMs - WEEK_MS).toBeLessThanOrEqual(now);
        expect(recordedUntil % QUARTER_HOUR_MS).toBe(0);
        const toldUntil = recordedUntil + shiftMs;
        expect(toldUntil).toBeLessThanOrEqual(now);
        expect(toldUntil).toBeGreaterThan(now - QUARTER_HOUR_MS);
      }),
    );
  });
});

describe("seedFrom()", () => {
  const regionId = "a-1" as RegionId;
  const region = { regionId, timeZone: "America/New_York" };
  const startAt = epochMs(Date.UTC(2014, 3, 1, 4));
  const tableOf = (slots: number): BookingTable => ({
    startAt,
    slots,
    countsByRegion: new Map([[regionId, Uint32Array.from({ length: slots }, (_, slot) => slot)]]),
  });
  const endOf = (slots: number) => plus(startAt, slots * QUARTER_HOUR_MS);

  test("takes the last 29 days, and ends where the plan says", () => {
    const slots = HISTORY_SLOTS + 10;
    const plan = { recordedUntil: endOf(slots), shiftMs: WEEK_MS };
    const seed = seedFrom(tableOf(slots), region, plan);
    expect(seed.counts).toHaveLength(HISTORY_SLOTS);
    expect(seed.counts.at(-1)).toBe(slots - 1);
    expect(seed.startAt).toBe(startAt + 10 * QUARTER_HOUR_MS + WEEK_MS);
  });

  test("keeps each hour of the region's day where it was when daylight saving has ended since", () => {
    const slots = HISTORY_SLOTS + 200;
    const recordedUntil = endOf(slots);
    const weeks = Math.floor((Date.UTC(2015, 0, 20) - recordedUntil) / WEEK_MS);
    const seed = seedFrom(tableOf(slots), region, { recordedUntil, shiftMs: weeks * WEEK_MS });
    seed.counts.forEach((slot, i) => {
      const told = localTimeOf(plus(seed.startAt, i * QUARTER_HOUR_MS), region.timeZone);
      const recorded = localTimeOf(endOf(slot), region.timeZone);
      expect([told.minuteOfDay, told.dayOfWeek]).toEqual([
        recorded.minuteOfDay,
        recorded.dayOfWeek,
      ]);
    });
  });

  test("tells a region without bookings a stretch of zeros, no longer than the table", () => {
    const other = { ...region, regionId: "b-1" as RegionId };
    expect(seedFrom(tableOf(3), other, { recordedUntil: endOf(3), shiftMs: 0 })).toEqual({
      startAt,
      counts: [0, 0, 0],
    });
  });
});
