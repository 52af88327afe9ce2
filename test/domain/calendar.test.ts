import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  localTimeOf,
  offsetMsAt,
  seasonOf,
  startOfLocalDay,
  weeksBefore,
} from "../../domain/calendar.ts";
import { DAY_MS, type EpochMs, HOUR_MS, MINUTE_MS, plus, WEEK_MS } from "../../domain/units.ts";

const ZONES = ["America/New_York", "Europe/London", "Asia/Kolkata"] as const;
/** A midnight that is skipped, one that comes twice, a quarter hour's offset, a half hour's daylight saving. */
const ODD_ZONES = [
  "America/Sao_Paulo",
  "America/Havana",
  "Asia/Kathmandu",
  "Australia/Lord_Howe",
] as const;
const at = (text: string) => Date.parse(text) as EpochMs;

/** Any millisecond of 2010 to 2030, every second time in a month in which clocks change. */
const instant = fc
  .oneof(
    fc.integer({ min: Date.UTC(2010, 0, 1), max: Date.UTC(2030, 11, 31) }),
    fc
      .record({
        year: fc.integer({ min: 2010, max: 2030 }),
        month: fc.constantFrom(1, 2, 9, 10),
        slot: fc.integer({ min: 0, max: 31 * 96 }),
        beside: fc.constantFrom(-1, 0, 1),
      })
      .map(({ year, month, slot, beside }) => Date.UTC(year, month) + slot * 900_000 + beside),
  )
  .map((value) => value as EpochMs);
const anyZone = fc.constantFrom(...ZONES, ...ODD_ZONES);

describe("localTimeOf()", () => {
  it.each([
    ["America/New_York", "2014-05-19T20:07:00Z", "2014-05-19", 16, 7, 0],
    ["New York, a millisecond before spring", "2026-03-08T06:59:59.999Z", "2026-03-08", 1, 59, 6],
    ["New York, as spring begins", "2026-03-08T07:00:00Z", "2026-03-08", 3, 0, 6],
    [
      "New York, the first half past one of an autumn night",
      "2026-11-01T05:30:00Z",
      "2026-11-01",
      1,
      30,
      6,
    ],
    ["New York, the second half past one", "2026-11-01T06:30:00Z", "2026-11-01", 1, 30, 6],
    ["New York, after it", "2026-11-01T07:00:00Z", "2026-11-01", 2, 0, 6],
    ["New York, a day behind UTC", "2026-01-01T04:59:59Z", "2025-12-31", 23, 59, 2],
    ["London, before spring", "2026-03-29T00:59:00Z", "2026-03-29", 0, 59, 6],
    ["London, as spring begins", "2026-03-29T01:00:00Z", "2026-03-29", 2, 0, 6],
    [
      "London, the second half past one of an autumn night",
      "2026-10-25T01:30:00Z",
      "2026-10-25",
      1,
      30,
      6,
    ],
    ["London, a summer's midnight", "2026-06-30T23:00:00Z", "2026-07-01", 0, 0, 2],
    ["Kolkata, half an hour off", "2026-01-11T10:30:00Z", "2026-01-11", 16, 0, 6],
    ["Kolkata, a day ahead of UTC", "2026-02-28T18:30:00Z", "2026-03-01", 0, 0, 6],
  ])("reads the clock on the wall: %s", (name, text, date, hour, minute, dayOfWeek) => {
    const zone =
      ZONES.find((one) => one.includes(name.split(",")[0]?.replace(" ", "_") ?? "")) ?? "";
    expect(localTimeOf(at(text), zone)).toEqual({
      hour,
      minuteOfDay: 60 * hour + minute,
      dayOfWeek,
      month: Number(date.slice(5, 7)),
      date,
    });
  });

  it("says what Intl says of any instant in any zone", () => {
    fc.assert(
      fc.property(instant, anyZone, (when, timeZone) => {
        const parts = new Intl.DateTimeFormat("en-GB", {
          timeZone,
          dateStyle: "short",
          timeStyle: "short",
        }).format(when);
        const weekday = new Intl.DateTimeFormat("en-US", { timeZone, weekday: "short" });
        const { date, hour, minuteOfDay, dayOfWeek, month } = localTimeOf(when, timeZone);
        const [year, monthText, day] = date.split("-");
        const two = (value: number) => String(value).padStart(2, "0");
        expect(parts).toBe(`${day}/${monthText}/${year}, ${two(hour)}:${two(minuteOfDay % 60)}`);
        const days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
        expect(days[dayOfWeek]).toBe(weekday.format(when));
        expect(Math.floor(minuteOfDay / 60)).toBe(hour);
        expect(month).toBe(Number(monthText));
      }),
      { numRuns: 300 },
    );
  });

  it("throws on a zone there is not", () => {
    expect(() => localTimeOf(at("2026-01-11T10:30:00Z"), "Europe/Atlantis")).toThrow(RangeError);
  });
});

describe("offsetMsAt()", () => {
  it("is the same when it is asked again, also after thousands of other instants", () => {
    const when = at("2026-07-01T12:00:00Z");
    const before = ZONES.map((zone) => offsetMsAt(when, zone));
    expect(before).toEqual([-4 * HOUR_MS, HOUR_MS, 5.5 * HOUR_MS]);
    for (let i = 0; i < 5_000; i++) offsetMsAt(plus(when, i * 15 * MINUTE_MS), "Europe/London");
    expect(ZONES.map((zone) => offsetMsAt(when, zone))).toEqual(before);
  });
});

describe("startOfLocalDay()", () => {
  it.each([
    ["America/New_York", "on a winter day", "2026-01-11T10:30:00Z", "2026-01-11T05:00:00Z"],
    [
      "America/New_York",
      "before the hour is skipped",
      "2026-03-08T06:00:00Z",
      "2026-03-08T05:00:00Z",
    ],
    [
      "America/New_York",
      "after the hour was skipped",
      "2026-03-08T20:00:00Z",
      "2026-03-08T05:00:00Z",
    ],
    [
      "America/New_York",
      "after the hour came twice",
      "2026-11-01T20:00:00Z",
      "2026-11-01T04:00:00Z",
    ],
    ["America/New_York", "at midnight itself", "2026-07-01T04:00:00Z", "2026-07-01T04:00:00Z"],
    ["America/New_York", "a moment before it", "2026-07-01T03:59:59.999Z", "2026-06-30T04:00:00Z"],
    ["Europe/London", "after the hour was skipped", "2026-03-29T12:00:00Z", "2026-03-29T00:00:00Z"],
    ["Europe/London", "after the hour came twice", "2026-10-25T12:00:00Z", "2026-10-24T23:00:00Z"],
    ["Asia/Kolkata", "on any day", "2026-01-11T18:29:59Z", "2026-01-10T18:30:00Z"],
    ["Asia/Kolkata", "on the next", "2026-01-11T18:30:00Z", "2026-01-11T18:30:00Z"],
    ["America/Havana", "after midnight came twice", "2026-11-01T12:00:00Z", "2026-11-01T04:00:00Z"],
    ["America/Havana", "between its midnights", "2026-11-01T04:30:00Z", "2026-11-01T04:00:00Z"],
    [
      "America/Sao_Paulo",
      "on a day without midnight",
      "2018-11-04T12:00:00Z",
      "2018-11-04T03:00:00Z",
    ],
  ])("in %s %s", (zone, _, text, expected) => {
    expect(startOfLocalDay(at(text), zone)).toBe(Date.parse(expected));
  });

  it("is the first instant of the same date: nothing before it is of that day", () => {
    fc.assert(
      fc.property(instant, anyZone, (when, zone) => {
        const start = startOfLocalDay(when, zone);
        const { date } = localTimeOf(when, zone);
        expect(start).toBeLessThanOrEqual(when);
        expect(localTimeOf(start, zone).date).toBe(date);
        expect(localTimeOf(plus(start, -1), zone).date).not.toBe(date);
        expect(when - start).toBeLessThan(DAY_MS + HOUR_MS);
      }),
      { numRuns: 500 },
    );
  });

  it("is the same from any instant of a day on which the clocks change", () => {
    const changes = [
      ["America/New_York", "2026-03-08T05:00:00Z", 23],
      ["America/New_York", "2026-11-01T04:00:00Z", 25],
      ["Europe/London", "2026-03-29T00:00:00Z", 23],
      ["Europe/London", "2026-10-24T23:00:00Z", 25],
      ["Asia/Kolkata", "2026-03-28T18:30:00Z", 24],
    ] as const;
    for (const [zone, startText, hours] of changes) {
      const start = at(startText);
      for (let minute = 0; minute < hours * 60; minute += 5) {
        expect(startOfLocalDay(plus(start, minute * MINUTE_MS), zone)).toBe(start);
      }
      expect(startOfLocalDay(plus(start, hours * HOUR_MS), zone)).toBe(
        plus(start, hours * HOUR_MS),
      );
    }
  });
});

describe("weeksBefore()", () => {
  it("shows the same on the wall, an hour later at most where that time was skipped", () => {
    fc.assert(
      fc.property(instant, anyZone, fc.integer({ min: 0, max: 4 }), (when, zone, weeks) => {
        const earlier = weeksBefore(when, weeks, zone);
        const now = localTimeOf(when, zone);
        const then = localTimeOf(earlier, zone);
        const behindMs = Date.parse(now.date) - Date.parse(then.date);
        const laterMinutes =
          then.minuteOfDay - now.minuteOfDay + (weeks * WEEK_MS - behindMs) / MINUTE_MS;
        const wasSkipped = offsetMsAt(earlier, zone) !== offsetMsAt(plus(earlier, -HOUR_MS), zone);
        if (wasSkipped) expect(laterMinutes).toBeLessThanOrEqual(60);
        else expect(laterMinutes).toBe(0);
        expect(laterMinutes).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("seasonOf()", () => {
  it("begins with winter in December", () => {
    const seasons = Array.from({ length: 12 }, (_, month) => seasonOf(month + 1));
    expect(seasons).toEqual([0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 0]);
  });
});
