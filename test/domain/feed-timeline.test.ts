import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FORTNIGHT, NEW_YORK_TIME_ZONE } from "../../data/nyc/period.ts";
import { type EpochMs, MINUTE_MS, plus } from "../../domain/units.ts";
import { FORTNIGHT_MS, recordedAtOf } from "../../local/feed/timeline.ts";

const wallClock = new Intl.DateTimeFormat("en-US", {
  timeZone: NEW_YORK_TIME_ZONE,
  weekday: "long",
  hour: "numeric",
  minute: "numeric",
  hourCycle: "h23",
});

describe("recordedAtOf()", () => {
  const minuteOfYears = fc
    .integer({ min: 0, max: 3 * 365 * 24 * 60 })
    .map((minute) => plus(FORTNIGHT.startAt, minute * MINUTE_MS));

  test("shows the same weekday and wall time in the fortnight, summer and winter", () => {
    fc.assert(
      fc.property(minuteOfYears, (at) => {
        const recordedAt = recordedAtOf(at);
        expect(wallClock.format(recordedAt)).toBe(wallClock.format(at));
        expect(recordedAt).toBeGreaterThanOrEqual(FORTNIGHT.startAt);
        expect(recordedAt).toBeLessThan(FORTNIGHT.endAt);
      }),
    );
  });

  test.each([
    { name: "the fortnight itself", at: plus(FORTNIGHT.startAt, 5 * MINUTE_MS), minute: 5 },
    { name: "the instant it ends", at: FORTNIGHT.endAt, minute: 0 },
    { name: "the minute before it begins", at: plus(FORTNIGHT.startAt, -MINUTE_MS), minute: -1 },
  ])("plays $name at the right place", ({ at, minute }) => {
    const wrapped = minute < 0 ? minute * MINUTE_MS + FORTNIGHT_MS : minute * MINUTE_MS;
    expect(recordedAtOf(at as EpochMs)).toBe(FORTNIGHT.startAt + wrapped);
  });
});
