import { describe, expect, test } from "vitest";
import {
  FORTNIGHT,
  HISTORY,
  NEW_YORK_TIME_ZONE,
  NEW_YORK_TO_UTC_MS,
  type Period,
} from "../../data/nyc/period.ts";
import {
  loadHourlyWeather,
  loadMinutePickups,
  loadQuarterHourPickups,
  loadZones,
  type PickupColumns,
} from "../../data/nyc/tables.ts";
import { HOUR_MS, MINUTE_MS, QUARTER_HOUR_MS } from "../../domain/units.ts";

const quarterHours = await loadQuarterHourPickups();
const minutes = await loadMinutePickups();
const zones = await loadZones();
const weather = await loadHourlyWeather();

const PUBLISHED_PICKUPS = 1_216_951;
const IN_NO_ZONE = 21_222;

describe.each([
  { name: "quarter hours", table: quarterHours, period: HISTORY, widthMs: QUARTER_HOUR_MS },
  { name: "minutes", table: minutes, period: FORTNIGHT, widthMs: MINUTE_MS },
])("pickups by $name", ({ table, period, widthMs }) => {
  test("lie on whole slots inside the period", () => {
    const strays = table.slotAt.filter(
      (at) => at < period.startAt || at >= period.endAt || (at - period.startAt) % widthMs !== 0,
    );
    expect(strays).toEqual(new Float64Array());
  });

  test("are sorted by zone, then time, one row a slot", () => {
    const unsorted = Array.from(table.zoneId.keys()).filter(
      (row) => row > 0 && !follows(table, row),
    );
    expect(unsorted).toEqual([]);
  });

  test("have no empty row", () => {
    expect(table.pickups.every((count) => count > 0)).toBe(true);
  });
});

describe("pickups", () => {
  test("add up to every published pickup that lies in a zone", () => {
    expect(sum(quarterHours.pickups)).toBe(PUBLISHED_PICKUPS - IN_NO_ZONE);
    expect(IN_NO_ZONE / PUBLISHED_PICKUPS).toBeLessThan(0.02);
  });

  test("agree between minutes and quarter hours in every zone and slot of the fortnight", () => {
    expect(bySlot(minutes, FORTNIGHT)).toEqual(bySlot(quarterHours, FORTNIGHT));
  });

  test("follow the city's day: busiest from 17:00, quietest from 02:00, New York", () => {
    const hourOf = new Intl.DateTimeFormat("en-US", {
      timeZone: NEW_YORK_TIME_ZONE,
      hour: "numeric",
      hourCycle: "h23",
    });
    const byHour = new Float64Array(24);
    for (const [row, at] of quarterHours.slotAt.entries()) {
      const hour = Number(hourOf.format(at));
      byHour[hour] = (byHour[hour] ?? 0) + (quarterHours.pickups[row] ?? 0);
    }
    expect(byHour.indexOf(Math.max(...byHour))).toBe(17);
    expect(byHour.indexOf(Math.min(...byHour))).toBe(2);
  });
});

describe("zones", () => {
  test("are the busiest ones, each with the total of its rows", () => {
    const totals = new Map<number, number>();
    for (const [row, zoneId] of quarterHours.zoneId.entries()) {
      totals.set(zoneId, (totals.get(zoneId) ?? 0) + (quarterHours.pickups[row] ?? 0));
    }
    const busiest = [...totals].sort(([, a], [, b]) => b - a).slice(0, zones.length);
    expect(zones.map((zone) => [zone.locationId, zone.pickups])).toEqual(busiest);
    expect(zones).toHaveLength(72);
  });

  test("lie where New York is", () => {
    for (const { lon, lat } of zones) {
      expect(lon).toBeGreaterThan(-74.3);
      expect(lon).toBeLessThan(-73.6);
      expect(lat).toBeGreaterThan(40.4);
      expect(lat).toBeLessThan(41);
    }
  });

  test.each([
    [161, "Midtown Center", 55_236],
    [132, "JFK Airport", 8_000],
    [138, "LaGuardia Airport", 8_000],
  ])("hold zone %i, %s", (locationId, name, atLeast) => {
    const zone = zones.find((candidate) => candidate.locationId === locationId);
    expect(zone).toMatchObject({ name, regionId: `nyc-${locationId}` });
    expect(zone?.pickups).toBeGreaterThanOrEqual(atLeast);
  });
});

describe("weather", () => {
  test("has every hour of the period once", () => {
    const hours = (HISTORY.endAt - HISTORY.startAt) / HOUR_MS;
    const expected = Float64Array.from(
      { length: hours },
      (_, hour) => HISTORY.startAt + hour * HOUR_MS,
    );
    expect(weather.hourAt).toEqual(expected);
  });

  test("is spring weather, with the downpour of 30 April", () => {
    expect(Math.min(...weather.tempF)).toBeGreaterThan(30);
    expect(Math.max(...weather.tempF)).toBeLessThan(90);
    const from = (Date.UTC(2014, 3, 30) + NEW_YORK_TO_UTC_MS - HISTORY.startAt) / HOUR_MS;
    expect(sum(weather.precipIn.subarray(from, from + 24))).toBeCloseTo(2.72, 2);
  });
});

test("the fixed offset is New York's in every hour of the period", () => {
  const offset = new Intl.DateTimeFormat("en-US", {
    timeZone: NEW_YORK_TIME_ZONE,
    timeZoneName: "longOffset",
  });
  for (let at: number = HISTORY.startAt; at < HISTORY.endAt; at += HOUR_MS) {
    expect(offset.format(at)).toContain("GMT-04:00");
  }
});

function follows({ zoneId, slotAt }: PickupColumns, row: number): boolean {
  const zone = zoneId[row] ?? Number.NaN;
  const zoneBefore = zoneId[row - 1] ?? Number.NaN;
  if (zone !== zoneBefore) return zone > zoneBefore;
  return (slotAt[row] ?? Number.NaN) > (slotAt[row - 1] ?? Number.NaN);
}

/** Pickups inside the period keyed by zone and quarter hour. */
function bySlot({ zoneId, slotAt, pickups }: PickupColumns, period: Period): Map<string, number> {
  const totals = new Map<string, number>();
  for (const [row, at] of slotAt.entries()) {
    if (at < period.startAt || at >= period.endAt) continue;
    const key = `${zoneId[row]}@${at - (at % QUARTER_HOUR_MS)}`;
    totals.set(key, (totals.get(key) ?? 0) + (pickups[row] ?? 0));
  }
  return totals;
}

function sum(values: ArrayLike<number>): number {
  return Array.from(values).reduce((total, value) => total + value, 0);
}
