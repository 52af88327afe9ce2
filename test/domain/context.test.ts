import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { newer, type Reading, valueAt, weatherSeverity } from "../../domain/context.ts";
import { type EpochMs, MINUTE_MS, plus } from "../../domain/units.ts";

const T0 = Date.UTC(2026, 0, 11, 10, 30) as EpochMs;

function reading<Value>(value: Value, observedAt: EpochMs, validMs = 10 * MINUTE_MS) {
  return { value, observedAt, validUntil: plus(observedAt, validMs) };
}

describe("valueAt()", () => {
  it.each([
    ["before it was observed", -1, null],
    ["as it is observed", 0, 0.3],
    ["until it runs out", 10 * MINUTE_MS - 1, 0.3],
    ["as it runs out", 10 * MINUTE_MS, null],
    ["long after", 1e12, null],
  ])("%s, %i ms on, is %s", (_, laterMs, value) => {
    expect(valueAt(reading(0.3, T0), plus(T0, laterMs))).toBe(value);
  });

  it("is null without a reading, and the value of one that is zero", () => {
    expect(valueAt(null, T0)).toBeNull();
    expect(valueAt(reading(0, T0), T0)).toBe(0);
  });
});

describe("newer()", () => {
  it("keeps the reading that was true last, in any order of arrival", () => {
    const minutes = fc.uniqueArray(fc.integer({ min: -500, max: 500 }), { minLength: 1 });
    fc.assert(
      fc.property(minutes, (drawn) => {
        const readings = drawn.map((minute) => reading(minute, plus(T0, minute * MINUTE_MS)));
        const kept = readings.reduce<Reading<number> | null>(newer, null);
        expect(kept?.value).toBe(Math.max(...drawn));
      }),
    );
  });

  it("keeps the same one of two readings of one instant, whichever came first", () => {
    const [one, other] = [reading("first", T0), reading("corrected", T0)];
    expect(newer(one, other)).toBe(newer(other, one));
  });
});

describe("weatherSeverity()", () => {
  it.each([
    ["a fine day", { tempF: 65, precipIn: 0 }, 0],
    ["a freezing point", { tempF: 32, precipIn: 0 }, 0],
    ["half way to no degree at all", { tempF: 16, precipIn: 0 }, 0.5],
    ["an arctic night", { tempF: -40, precipIn: 0 }, 1],
    ["a hot day", { tempF: 90, precipIn: 0 }, 0],
    ["a hotter one", { tempF: 95, precipIn: 0 }, 0.25],
    ["a drizzle", { tempF: 65, precipIn: 0.05 }, 0.1],
    ["half an inch an hour", { tempF: 65, precipIn: 0.5 }, 1],
    ["a cloudburst", { tempF: 65, precipIn: 3 }, 1],
    ["a drizzle in the frost, of which the frost counts", { tempF: 24, precipIn: 0.1 }, 0.25],
    ["a shower in the frost, of which the rain counts", { tempF: 24, precipIn: 0.2 }, 0.4],
  ])("of %s", (_, weather, severity) => {
    expect(weatherSeverity(weather)).toBeCloseTo(severity, 12);
  });

  it("lies between 0 and 1, and never falls when it rains more", () => {
    const tempF = fc.double({ min: -60, max: 130, noNaN: true });
    const rain = fc.double({ min: 0, max: 10, noNaN: true });
    fc.assert(
      fc.property(tempF, rain, rain, (temperature, precipIn, more) => {
        const severity = weatherSeverity({ tempF: temperature, precipIn });
        expect(severity).toBeGreaterThanOrEqual(0);
        expect(severity).toBeLessThanOrEqual(1);
        const wetter = weatherSeverity({ tempF: temperature, precipIn: precipIn + more });
        expect(wetter).toBeGreaterThanOrEqual(severity);
      }),
    );
  });
});
