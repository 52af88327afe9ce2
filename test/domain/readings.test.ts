import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteReader, ByteWriter } from "../../domain/bytes.ts";
import { valueAt } from "../../domain/context.ts";
import { DRIVER_STATUSES, Drivers } from "../../domain/drivers.ts";
import type { DemandEvent, EventType } from "../../domain/event.ts";
import { Readings } from "../../domain/readings.ts";
import { DAY_MS, type EpochMs, HOUR_MS, MINUTE_MS, plus } from "../../domain/units.ts";
import { demandEvent, mixed } from "../support/region-deliveries.ts";

/** Six in the evening in New York. */
const T0 = Date.parse("2026-01-11T23:00:00Z") as EpochMs;
const NEW_YORK = "America/New_York";

function reading(eventType: EventType, occurredAt: EpochMs, metadata: object): DemandEvent {
  return demandEvent(1, { eventType, occurredAt, metadata: JSON.stringify(metadata) });
}

function driver(n: number, occurredAt: EpochMs, status: string): DemandEvent {
  const hashed = { userHigh: mixed(n), userLow: mixed(n + 1) };
  return { ...reading("driver_location", occurredAt, { status }), ...hashed };
}

function readingsOf(events: readonly DemandEvent[], now: EpochMs = T0): Readings {
  const readings = new Readings();
  for (const event of events) readings.observe(event, now);
  return readings;
}

describe("Readings", () => {
  it("keep the newest by event time, whatever the order of arrival", () => {
    const minutes = fc.uniqueArray(fc.integer({ min: -9, max: 0 }), { minLength: 1 });
    fc.assert(
      fc.property(minutes, (drawn) => {
        const events = drawn.map((minute) =>
          reading("supply_update", plus(T0, minute * MINUTE_MS), {
            available: 100 + minute,
            busy: 1,
          }),
        );
        const { supply } = readingsOf(events).contextAt(T0, NEW_YORK);
        expect(valueAt(supply, T0)).toEqual({ available: 100 + Math.max(...drawn), busy: 1 });
      }),
    );
  });

  it("are read from each kind of event, each for its time", () => {
    const readings = readingsOf([
      reading("supply_update", T0, { available: 3, busy: 9 }),
      reading("weather", T0, { temp_f: 20, precip_in: 0.1 }),
      reading("traffic", T0, { index: 0.7 }),
      reading("local_event", T0, { score: 0.9, ends_at: "2026-01-11T23:30:00Z" }),
      reading("holiday", T0, { name: "a holiday" }),
    ]);
    const valuesAt = (asOf: EpochMs) => {
      const context = readings.contextAt(asOf, NEW_YORK);
      const { products: _, ...single } = context;
      return Object.values(single).map((one) => valueAt<unknown>(one, asOf));
    };
    const weather = { tempF: 20, precipIn: 0.1 };
    const supply = { available: 3, busy: 9 };
    expect(valuesAt(T0)).toEqual([supply, weather, 0.7, 0.9, "a holiday"]);
    expect(valuesAt(plus(T0, 10 * MINUTE_MS))).toEqual([null, weather, 0.7, 0.9, "a holiday"]);
    expect(valuesAt(plus(T0, 30 * MINUTE_MS))).toEqual([null, weather, null, null, "a holiday"]);
    expect(valuesAt(plus(T0, 6 * HOUR_MS - 1))).toEqual([null, null, null, null, "a holiday"]);
    expect(valuesAt(plus(T0, 6 * HOUR_MS))).toEqual([null, null, null, null, null]);
  });

  it("end a holiday with its local day also where the clocks change", () => {
    const before = Date.parse("2026-03-08T12:00:00Z") as EpochMs;
    const { holiday } = readingsOf([reading("holiday", before, { name: "x" })], before).contextAt(
      before,
      NEW_YORK,
    );
    expect(holiday?.validUntil).toBe(Date.parse("2026-03-09T04:00:00Z"));
  });

  it("take a reading from a fast clock as of now, and the next one after it", () => {
    const readings = new Readings();
    const ahead = plus(T0, 4 * MINUTE_MS);
    readings.observe(reading("traffic", ahead, { index: 0.2 }), T0);
    expect(valueAt(readings.contextAt(T0, NEW_YORK).traffic, T0)).toBe(0.2);
    readings.observe(reading("traffic", plus(ahead, 1_000), { index: 0.3 }), plus(T0, 1_000));
    const later = plus(T0, 1_000);
    expect(valueAt(readings.contextAt(later, NEW_YORK).traffic, later)).toBe(0.3);
  });

  it("count drivers where no supply update is valid", () => {
    const readings = readingsOf([
      driver(1, T0, "available"),
      driver(2, T0, "busy"),
      driver(3, plus(T0, -1_000), "available"),
      driver(3, T0, "offline"),
      driver(3, plus(T0, -2_000), "busy"),
      driver(4, plus(T0, -11 * MINUTE_MS), "available"),
    ]);
    expect(readings.contextAt(T0, NEW_YORK).supply?.value).toEqual({ available: 1, busy: 1 });
    const silent = plus(T0, DAY_MS);
    expect(readings.contextAt(silent, NEW_YORK).supply).toBeNull();
    readings.observe(reading("supply_update", T0, { available: 50, busy: 2 }), T0);
    expect(readings.contextAt(T0, NEW_YORK).supply?.value).toEqual({ available: 50, busy: 2 });
  });
});

describe("Drivers", () => {
  it("are counted as a plain map would, in any order and after a reload", () => {
    const sighting = fc.record({
      n: fc.nat({ max: 200 }),
      second: fc.nat({ max: 900 }),
      status: fc.constantFrom(...DRIVER_STATUSES),
    });
    fc.assert(
      fc.property(fc.array(sighting, { maxLength: 400 }), (sightings) => {
        const drivers = new Drivers();
        const oracle = new Map<number, { second: number; status: string }>();
        const rank = (status: string) => (DRIVER_STATUSES as readonly string[]).indexOf(status);
        for (const { n, second, status } of sightings) {
          drivers.see(mixed(n), mixed(n + 1), plus(T0, second * 1_000), status);
          const known = oracle.get(n);
          const older =
            known &&
            (second < known.second ||
              (second === known.second && rank(status) < rank(known.status)));
          if (!older) oracle.set(n, { second, status });
        }
        const writer = new ByteWriter();
        drivers.writeTo(writer);
        const asOf = plus(T0, 900 * 1_000);
        const heard = [...oracle.values()].filter(({ second }) => second > 300);
        const count = (wanted: string) => heard.filter(({ status }) => status === wanted).length;
        const expected =
          heard.length === 0 ? undefined : { available: count("available"), busy: count("busy") };
        expect(drivers.supplyAt(asOf)?.value).toEqual(expected);
        expect(Drivers.readFrom(new ByteReader(writer.copy())).supplyAt(asOf)?.value).toEqual(
          expected,
        );
      }),
    );
  });
});
