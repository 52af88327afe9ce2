import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { localTimeOf } from "../../domain/calendar.ts";
import { type Context, NO_CONTEXT } from "../../domain/context.ts";
import {
  FEATURE_NAMES,
  featuresFrom,
  HORIZONS_MS,
  usualQuarterHour,
} from "../../domain/features.ts";
import { BookingHistory, HISTORY_MS, HISTORY_SLOTS } from "../../domain/history.ts";
import type { LiveSignals } from "../../domain/signals.ts";
import { type EpochMs, MINUTE_MS, plus, QUARTER_HOUR_MS, WEEK_MS } from "../../domain/units.ts";

/** Sunday 11 January 2026, 10:30 in London. */
const T0 = Date.UTC(2026, 0, 11, 10, 30) as EpochMs;
const START = plus(T0, -HISTORY_MS);
const SLOTS_PER_WEEK = WEEK_MS / QUARTER_HOUR_MS;

const steady = (count: number, slots = HISTORY_SLOTS) =>
  new BookingHistory(plus(T0, -slots * QUARTER_HOUR_MS), new Array<number>(slots).fill(count));

interface Given {
  history?: BookingHistory;
  asOf?: EpochMs;
  liveSince?: EpochMs;
  signals?: Partial<LiveSignals>;
  context?: Partial<Context>;
  timeZone?: string;
}

function features(given: Given = {}) {
  const { history = steady(0), asOf = T0, liveSince = START, context, timeZone } = given;
  const signals: LiveSignals = {
    asOf,
    bookingCount1m: 0,
    bookingCount5m: 0,
    bookingCount15m: 0,
    searchCount5m: 0,
    searchCount15m: 0,
    cancellationCount15m: 0,
    activeSessions30m: 0,
    lastBookingAt: null,
    ...given.signals,
  };
  const { values, usual } = featuresFrom({
    timeZone: timeZone ?? "Europe/London",
    history,
    signals,
    liveSince,
    context: { ...NO_CONTEXT, ...context },
  });
  const of = (name: (typeof FEATURE_NAMES)[number]) => values[FEATURE_NAMES.indexOf(name)];
  return { values, usual, of };
}

const close = (value: number | undefined, expected: number) =>
  expect(value).toBeCloseTo(expected, 5);

describe("featuresFrom()", () => {
  it("gives one value for each name, and a usual quarter hour for each horizon", () => {
    const { values, usual } = features();
    expect(values).toHaveLength(FEATURE_NAMES.length);
    expect(new Set(FEATURE_NAMES).size).toBe(FEATURE_NAMES.length);
    expect(usual).toEqual(HORIZONS_MS.map(() => 0));
  });

  it("finds nothing unusual in a region where every quarter hour is alike", () => {
    const seven = features({ history: steady(7), signals: { bookingCount15m: 7 } });
    expect(seven.usual).toEqual([7, 7, 7, 7]);
    for (const name of ["bookingLag1", "bookingLag4", "bookingRate1h", "bookingRate1d"] as const) {
      close(seven.of(name), Math.log(8));
    }
    close(seven.of("rollingAvgDemand7d"), Math.log(8));
    close(seven.of("sameSlotLag1w60m"), Math.log(29));
    for (const name of ["recentOverUsual15m", "recentOverUsual1d", "demandTrend"] as const) {
      close(seven.of(name), 0);
    }
    // log((168 usual hours + 1) / (a week's bookings + 1))
    close(seven.of("seasonalityScore"), 0);
  });

  it("takes the last quarter hour from the live windows and the three before from history", () => {
    const counts = new Array<number>(HISTORY_SLOTS).fill(0);
    counts.splice(-4, 4, 40, 30, 20, 10);
    const { of } = features({
      history: new BookingHistory(START, counts),
      signals: { bookingCount15m: 99 },
    });
    close(of("bookingLag1"), Math.log(100));
    close(of("bookingLag2"), Math.log(21));
    close(of("bookingLag3"), Math.log(31));
    close(of("bookingLag4"), Math.log(41));
    close(of("bookingRate1h"), Math.log1p((99 + 20 + 30 + 40) / 4));
  });

  it.each([
    [15, 60],
    [10, 40],
    [5, 20],
    [0, 0],
  ])(
    "lets history stand in for the live windows in the first %i of their 15 minutes",
    (minutes, share) => {
      const liveSince = plus(T0, (minutes - 15) * MINUTE_MS);
      const given = { history: steady(60), signals: { bookingCount15m: 5 } };
      close(features({ ...given, liveSince }).of("bookingLag1"), Math.log1p(5 + share));
    },
  );

  it("knows no more than its history does, and says so", () => {
    const names = (history: BookingHistory) => {
      const { values } = features({ history });
      return FEATURE_NAMES.filter((_, i) => Number.isNaN(values[i]));
    };
    const outside = ["temperatureF", "precipitationIn", "weatherSeverity", "trafficIndex"];
    const always = [...outside, "availableDrivers", "utilization"];
    expect(names(steady(1))).toEqual(always);
    // Eight days: a week ago is known, and the hour around it, and its day's beginning.
    expect(names(steady(1, SLOTS_PER_WEEK + 96))).toEqual(always);
    expect(names(steady(1, 24)).filter((name) => !always.includes(name))).toEqual([
      "bookingRate1d",
      "rollingAvgDemand7d",
      ...["usualNow", "usualIn15m", "usualIn30m", "usualIn45m", "usualIn60m"],
      ...["sameSlotLag1w15m", "sameSlotLag1w60m"],
      ...["recentOverUsual15m", "recentOverUsual1h", "recentOverUsual4h", "recentOverUsual1d"],
      ...["demandTrend", "seasonalityScore"],
    ]);
    expect(features({ history: steady(1, 24) }).usual).toEqual([null, null, null, null]);
  });

  it("reads the calendar on the region's own clock", () => {
    const kolkata = features({ timeZone: "Asia/Kolkata" });
    expect(kolkata.of("hourOfDay")).toBe(16);
    expect(kolkata.of("dayOfWeek")).toBe(6);
    expect(kolkata.of("season")).toBe(0);
    close(kolkata.of("daySin1"), Math.sin((2 * Math.PI * 16) / 24));
    close(kolkata.of("dayCos2"), Math.cos((4 * Math.PI * 16) / 24));
    const newYork = features({ timeZone: "America/New_York" });
    expect(newYork.of("hourOfDay")).toBe(5);
  });

  it("reads the outside while its readings count, and no longer", () => {
    const reading = <Value>(value: Value) => ({
      value,
      observedAt: T0,
      validUntil: plus(T0, MINUTE_MS),
    });
    const context = {
      supply: reading({ available: 3, busy: 9 }),
      weather: reading({ tempF: 40, precipIn: 0.1 }),
      traffic: reading(0.7),
      localEvent: reading(0.9),
      holiday: reading("a holiday"),
    };
    const outside = (asOf: EpochMs) => {
      const { of } = features({ asOf, context });
      return [
        ...[of("temperatureF"), of("precipitationIn"), of("weatherSeverity"), of("trafficIndex")],
        ...[of("localEventScore"), of("holiday"), of("availableDrivers"), of("utilization")],
      ];
    };
    const { fround } = Math;
    const known = [40, fround(0.1), fround(0.2), fround(0.7), fround(0.9), 1, 3, 0.75];
    expect(outside(T0)).toEqual(known);
    const gone = [Number.NaN, Number.NaN, Number.NaN, Number.NaN, 0, 0, Number.NaN, Number.NaN];
    expect(outside(plus(T0, MINUTE_MS))).toEqual(gone);
  });

  it("counts searches, and cancellations by booking", () => {
    const live = { bookingCount15m: 8, cancellationCount15m: 2, searchCount15m: 30 };
    const { of } = features({ signals: live });
    expect([of("searchCount15m"), of("cancelRate15m")]).toEqual([30, 0.25]);
    expect(features({ signals: { cancellationCount15m: 2 } }).of("cancelRate15m")).toBe(0);
  });

  it("looks at nothing that comes after, and at nothing older than 29 days", () => {
    const counts = fc.array(fc.nat({ max: 50 }), {
      minLength: HISTORY_SLOTS,
      maxLength: HISTORY_SLOTS,
    });
    const before = fc.array(fc.nat({ max: 50 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(counts, before, before, (known, older, later) => {
        const plain = features({ history: new BookingHistory(START, known) });
        const startAt = plus(START, -older.length * QUARTER_HOUR_MS);
        const all = new BookingHistory(startAt, [...older, ...known, ...later]);
        expect(features({ history: all }).values).toEqual(plain.values);
      }),
      { numRuns: 30 },
    );
  });
});

describe("usualQuarterHour()", () => {
  it("averages the weeks that are known, each smoothed over five quarter hours", () => {
    const slot = (weeksAgo: number, offset: number) =>
      HISTORY_SLOTS - weeksAgo * SLOTS_PER_WEEK - 1 + offset;
    const counts = new Array<number>(HISTORY_SLOTS).fill(0);
    // The quarter hour that ends a week ago, its neighbours, and the same four weeks ago.
    counts[slot(1, 0)] = 9;
    counts[slot(1, -1)] = 18;
    counts[slot(1, 2)] = 27;
    counts[slot(1, 3)] = 1_000;
    counts[slot(4, 0)] = 36;
    const oneWeek = (9 * 3 + 18 * 2 + 27 * 1) / 9;
    const fourth = (36 * 3) / 9;
    const history = new BookingHistory(START, counts);
    expect(usualQuarterHour(history, T0, "UTC")).toBeCloseTo((oneWeek + fourth) / 4, 10);
    const twoWeeks = counts.slice(-2 * SLOTS_PER_WEEK - 8);
    const short = new BookingHistory(plus(T0, -twoWeeks.length * QUARTER_HOUR_MS), twoWeeks);
    expect(usualQuarterHour(short, T0, "UTC")).toBeCloseTo(oneWeek / 2, 10);
  });

  it("is unknown without an earlier week, and the same whatever the last week did", () => {
    expect(usualQuarterHour(steady(5, 96), T0, "UTC")).toBeNaN();
    const counts = new Array<number>(HISTORY_SLOTS).fill(5);
    counts.fill(500, -SLOTS_PER_WEEK + 96);
    const history = new BookingHistory(START, counts);
    for (const aheadMs of [0, ...HORIZONS_MS]) {
      expect(usualQuarterHour(history, plus(T0, aheadMs), "UTC")).toBe(5);
    }
  });
});

describe("across a change of the clocks", () => {
  /** Every day of the history has its 8 o'clock rush by the clock on the wall: 8 bookings in the quarter hour from 8:00. */
  function rushHours(asOf: EpochMs, timeZone: string): BookingHistory {
    const startAt = plus(
      (Math.floor(asOf / QUARTER_HOUR_MS) * QUARTER_HOUR_MS) as EpochMs,
      -HISTORY_MS,
    );
    const counts = Array.from({ length: HISTORY_SLOTS }, (_, slot) => {
      const { minuteOfDay } = localTimeOf(plus(startAt, slot * QUARTER_HOUR_MS), timeZone);
      return minuteOfDay === 8 * 60 ? 8 : 0;
    });
    return new BookingHistory(startAt, counts);
  }

  it.each([
    ["New York, days after summer time began", "America/New_York", "2026-03-11T12:00:00Z"],
    ["New York, three weeks after", "America/New_York", "2026-03-31T12:00:00Z"],
    ["New York, days after summer time ended", "America/New_York", "2026-11-04T13:00:00Z"],
    ["London, the morning of the change", "Europe/London", "2026-03-29T07:00:00Z"],
    ["London, after summer time ended", "Europe/London", "2026-10-26T08:00:00Z"],
    ["Lord Howe, whose clocks move by half an hour", "Australia/Lord_Howe", "2026-10-05T21:00:00Z"],
    ["Kolkata, whose clocks stay", "Asia/Kolkata", "2026-03-31T02:30:00Z"],
  ])("the usual of 8 o'clock is that of earlier weeks' 8 o'clock: %s", (_, timeZone, text) => {
    const asOf = Date.parse(text) as EpochMs;
    expect(localTimeOf(asOf, timeZone)).toMatchObject({ hour: 8, minuteOfDay: 480 });
    const history = rushHours(asOf, timeZone);
    const { of, usual } = features({ asOf, history, timeZone, liveSince: plus(asOf, -HISTORY_MS) });
    // The first horizon is the quarter hour from 8:00; the kernel keeps a third of a peak.
    close(usual[0] ?? Number.NaN, (8 * 3) / 9);
    close(of("sameSlotLag1w15m"), Math.log1p(8));
    close(of("sameSlotLag1w60m"), Math.log1p(8));
    expect(of("hourOfDay")).toBe(8);
    // The quarter hour before 8:00 had nothing in any week.
    close(of("recentOverUsual15m"), 0);
  });
});
