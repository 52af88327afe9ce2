import { describe, expect, test } from "vitest";
import { FORTNIGHT } from "../../data/nyc/period.ts";
import type { PickupColumns, RegionZone } from "../../data/nyc/tables.ts";
import {
  type EpochMs,
  HOUR_MS,
  MINUTE_MS,
  plus,
  QUARTER_HOUR_MS,
  type RegionId,
  WEEK_MS,
} from "../../domain/units.ts";
import { driversAt } from "../../local/feed/drivers.ts";
import { RecordedPickups } from "../../local/feed/recorded-pickups.ts";
import { FORTNIGHT_MS } from "../../local/feed/timeline.ts";
import { UsualDemand } from "../../local/feed/usual-demand.ts";

const regionId = "nyc-1" as RegionId;
const zones: RegionZone[] = [
  { locationId: 1, regionId, name: "one", borough: "b", lon: 0, lat: 0, pickups: 0 },
];
const noon = plus(FORTNIGHT.startAt, 3 * 24 * HOUR_MS + 12 * HOUR_MS);

/** Pickups of zone 1 and, to be passed over, as many of zone 2. */
function table(slots: readonly (readonly [at: number, pickups: number])[]): PickupColumns {
  const rows = [...slots.map((slot) => [1, ...slot]), ...slots.map((slot) => [2, ...slot])];
  return {
    length: rows.length,
    zoneId: Uint16Array.from(rows, ([zone = 0]) => zone),
    slotAt: Float64Array.from(rows, ([, at = 0]) => at),
    pickups: Uint16Array.from(rows, ([, , pickups = 0]) => pickups),
  };
}

function everySlot(fromAt: EpochMs, toAt: EpochMs, widthMs: number, pickups: number) {
  const count = (toAt - fromAt) / widthMs;
  return Array.from({ length: count }, (_, slot) => [fromAt + slot * widthMs, pickups] as const);
}

const history = table(
  everySlot(plus(FORTNIGHT.startAt, -4 * WEEK_MS), FORTNIGHT.startAt, QUARTER_HOUR_MS, 30),
);
const usual = new UsualDemand(zones, history);

function driversWith(minutes: PickupColumns, at: EpochMs) {
  return driversAt(
    { seed: 1, pickups: new RecordedPickups(zones, minutes), usual },
    regionId,
    at,
    at,
  );
}

describe("UsualDemand", () => {
  test("is the average of the weeks before the fortnight", () => {
    expect(usual.perQuarterHour(regionId, noon)).toBeCloseTo(30);
  });
});

describe("RecordedPickups", () => {
  const pickups = new RecordedPickups(
    zones,
    table([
      [FORTNIGHT.startAt, 2],
      [FORTNIGHT.endAt - MINUTE_MS, 5],
    ]),
  );

  test("counts a stretch that reaches back over the beginning from the end of the round", () => {
    const before = plus(FORTNIGHT.startAt, -2 * MINUTE_MS);
    expect(pickups.between(regionId, before, plus(FORTNIGHT.startAt, MINUTE_MS))).toBe(7);
    expect(pickups.between(regionId, before, FORTNIGHT.startAt)).toBe(5);
  });

  test("counts the whole round once", () => {
    const almost = plus(FORTNIGHT.startAt, FORTNIGHT_MS - MINUTE_MS);
    expect(pickups.between(regionId, FORTNIGHT.startAt, almost)).toBe(2);
  });
});

describe("driversAt()", () => {
  const steady = table(everySlot(FORTNIGHT.startAt, FORTNIGHT.endAt, MINUTE_MS, 2));

  test("has about as many free as busy when demand is what it usually is", () => {
    const { available, busy } = driversWith(steady, noon);
    expect(busy).toBe(30);
    expect(available).toBeGreaterThan(10);
    expect(available).toBeLessThan(50);
  });

  test("runs out in a sudden rush, and recovers once word got round", () => {
    const rush = table(
      everySlot(FORTNIGHT.startAt, FORTNIGHT.endAt, MINUTE_MS, 2).map(
        ([at, pickups]) => [at, at >= noon ? 4 : pickups] as const,
      ),
    );
    const early = driversWith(rush, plus(noon, QUARTER_HOUR_MS));
    const late = driversWith(rush, plus(noon, 2 * HOUR_MS));
    expect(early).toEqual({ available: expect.toSatisfy((free) => free < 20), busy: 60 });
    expect(late.available + late.busy).toBeGreaterThan(early.available + early.busy);
  });

  test("leaves a few drivers where nobody ever calls", () => {
    const nobody = new UsualDemand(zones, table([]));
    const pickups = new RecordedPickups(zones, table([]));
    expect(driversAt({ seed: 1, pickups, usual: nobody }, regionId, noon, noon)).toEqual({
      available: 2,
      busy: 0,
    });
  });
});
