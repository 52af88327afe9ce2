import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { eventSchema } from "../../contract/events.ts";
import { FORTNIGHT } from "../../data/nyc/period.ts";
import {
  loadHourlyWeather,
  loadMinutePickups,
  loadQuarterHourPickups,
  loadZones,
} from "../../data/nyc/tables.ts";
import { DAY_MS, type EpochMs, HOUR_MS, MINUTE_MS, plus } from "../../domain/units.ts";
import type { TimedEvent } from "../../local/feed/feed-event.ts";
import { Simulation } from "../../local/feed/simulate.ts";
import { FORTNIGHT_MS } from "../../local/feed/timeline.ts";

const [zones, minutes, quarterHours, weather] = await Promise.all([
  loadZones(),
  loadMinutePickups(),
  loadQuarterHourPickups(),
  loadHourlyWeather(),
]);
const startAt = plus(FORTNIGHT.startAt, DAY_MS + 16 * HOUR_MS);
const simulation = (seed = 1, from: EpochMs = startAt) =>
  new Simulation({ seed, startAt: from, zones, minutes, quarterHours, weather });

const evening = stretch(simulation(), startAt, 180);

describe("Simulation", () => {
  test("makes a minute the same whatever was asked before", () => {
    const one = simulation();
    const minute = fc.integer({ min: 0, max: (2 * FORTNIGHT_MS) / MINUTE_MS });
    fc.assert(
      fc.property(minute, (index) => {
        const at = plus(startAt, index * MINUTE_MS);
        expect(simulation().eventsOfMinute(at)).toEqual(one.eventsOfMinute(at));
      }),
      { numRuns: 15 },
    );
  });

  test("tells another story with another seed, about the same bookings", () => {
    const other = stretch(simulation(2), startAt, 180);
    const keys = keysOf(ofType(evening, "booking"));
    expect([...keysOf(other)].filter((key) => keys.has(key))).toEqual([]);
    expect(countByRegion(ofType(other, "booking"))).toEqual(
      countByRegion(ofType(evening, "booking")),
    );
  });

  test("books each recorded pickup of a region once, in its minute", () => {
    const simulated = new Map<string, number>();
    for (const { at, event } of ofType(evening, "booking")) {
      const key = `${event.region_id}@${at - (at % MINUTE_MS)}`;
      simulated.set(key, (simulated.get(key) ?? 0) + 1);
    }
    expect(simulated).toEqual(recorded(startAt, plus(startAt, 180 * MINUTE_MS)));
  });

  test("keeps each minute's events in it, in order", () => {
    const source = simulation();
    for (let index = 0; index < 60; index++) {
      const minuteAt = plus(startAt, index * MINUTE_MS);
      const ats = source.eventsOfMinute(minuteAt).map(({ at }) => at);
      expect(ats).toEqual([...ats].sort((a, b) => a - b));
      expect(Math.min(...ats)).toBeGreaterThanOrEqual(minuteAt);
      expect(Math.max(...ats)).toBeLessThan(minuteAt + MINUTE_MS);
    }
  });

  test("writes events that ingest's schema takes, at the instant they say", () => {
    for (const { at, event } of evening) {
      expect(eventSchema.parse(event)).toMatchObject({ timestamp: at });
    }
  });

  test("never cancels more than was booked, from the first minute on", () => {
    const open = new Map<string, number>();
    for (const { event } of evening) {
      const step = { booking: 1, cancellation: -1 }[event.event_type as string] ?? 0;
      const left = (open.get(event.region_id) ?? 0) + step;
      expect(left).toBeGreaterThanOrEqual(0);
      open.set(event.region_id, left);
    }
  });

  test("uses no idempotency key twice, not even in the next round of the fortnight", () => {
    const aroundEnd = plus(FORTNIGHT.endAt, -30 * MINUTE_MS);
    const source = simulation(1, FORTNIGHT.startAt);
    const events = [
      ...stretch(source, FORTNIGHT.startAt, 60),
      ...stretch(source, aroundEnd, 90),
      ...stretch(source, plus(FORTNIGHT.startAt, 2 * FORTNIGHT_MS), 60),
    ];
    expect(keysOf(events).size).toBe(events.length);
  });

  test("plays the same bookings again a fortnight later", () => {
    const again = stretch(simulation(), plus(startAt, FORTNIGHT_MS), 60);
    const first = stretch(simulation(), startAt, 60);
    expect(countByRegion(ofType(again, "booking"))).toEqual(
      countByRegion(ofType(first, "booking")),
    );
  });
});

describe("what is simulated around bookings", () => {
  const day = stretch(simulation(1, FORTNIGHT.startAt), plus(FORTNIGHT.startAt, DAY_MS), 24 * 60);
  const bookings = ofType(day, "booking").length;

  test("is four to six searches, one view and 6 % cancellations a booking", () => {
    const perBooking = (type: string) => ofType(day, type).length / bookings;
    expect(perBooking("search")).toBeCloseTo(5, 1);
    expect(perBooking("view")).toBeCloseTo(1, 2);
    expect(perBooking("cancellation")).toBeCloseTo(0.06, 2);
  });

  test("is a fifth of premium rides, by a bounded number of users", () => {
    const premium = ofType(day, "booking").filter(
      ({ event }) => event.product_type === "premium_ride",
    );
    expect(premium.length / bookings).toBeCloseTo(0.2, 1);
    const users = new Set(day.map(({ event }) => event.user_id));
    expect(users.size).toBeLessThanOrEqual(20_001);
  });

  test("is a supply reading a region and minute, half of the drivers busy over the day", () => {
    const readings = day.flatMap(({ event }) =>
      event.event_type === "supply_update" ? [event.metadata] : [],
    );
    expect(readings).toHaveLength(zones.length * 24 * 60);
    const busy = readings.reduce((sum, reading) => sum + reading.busy, 0);
    const available = readings.reduce((sum, reading) => sum + reading.available, 0);
    expect(busy / (busy + available)).toBeGreaterThan(0.4);
    expect(busy / (busy + available)).toBeLessThan(0.6);
  });
});

describe("surroundings", () => {
  test("are the hour's weather in each region, on the hour only", () => {
    const readings = ofType(evening, "weather");
    expect(readings).toHaveLength(3 * zones.length);
    // 19 May 2014 16:00 New York: 69 F and dry.
    expect(readings[0]?.event.metadata).toEqual({ temp_f: expect.closeTo(69, -1), precip_in: 0 });
    expect(readings.every(({ at }) => at % HOUR_MS === 0)).toBe(true);
  });

  test("are Memorial Day from its midnight, once a region and round", () => {
    const midnight = Date.UTC(2014, 4, 26, 4) as EpochMs;
    for (const at of [midnight, plus(midnight, FORTNIGHT_MS)]) {
      const holidays = ofType(stretch(simulation(), plus(at, -HOUR_MS), 120), "holiday");
      expect(holidays).toHaveLength(zones.length);
      expect(new Set(holidays.map((holiday) => holiday.at))).toEqual(new Set([at]));
    }
  });
});

function stretch(source: Simulation, fromAt: EpochMs, count: number): TimedEvent[] {
  return Array.from({ length: count }, (_, index) =>
    source.eventsOfMinute(plus(fromAt, index * MINUTE_MS)),
  ).flat();
}

function ofType(events: readonly TimedEvent[], type: string): TimedEvent[] {
  return events.filter(({ event }) => event.event_type === type);
}

function keysOf(events: readonly TimedEvent[]): Set<string> {
  return new Set(events.map(({ event }) => `${event.region_id} ${event.idempotency_key}`));
}

function countByRegion(events: readonly TimedEvent[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { event } of events) {
    counts.set(event.region_id, (counts.get(event.region_id) ?? 0) + 1);
  }
  return new Map([...counts].sort());
}

/** Recorded pickups of the regions in [fromAt, toAt), keyed like the simulated ones. */
function recorded(fromAt: EpochMs, toAt: EpochMs): Map<string, number> {
  const regionIds = new Map(zones.map((zone) => [zone.locationId, zone.regionId]));
  const counts = new Map<string, number>();
  for (let row = 0; row < minutes.length; row++) {
    const regionId = regionIds.get(minutes.zoneId[row] ?? 0);
    const at = minutes.slotAt[row] ?? 0;
    if (regionId === undefined || at < fromAt || at >= toAt) continue;
    counts.set(`${regionId}@${at}`, minutes.pickups[row] ?? 0);
  }
  return counts;
}
