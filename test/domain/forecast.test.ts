import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HORIZONS_MS } from "../../domain/features.ts";
import {
  confidenceOf,
  type DemandForecast,
  demandScoreOf,
  forecastFrom,
  isCurrent,
} from "../../domain/forecast.ts";
import { type EpochMs, HOUR_MS, MINUTE_MS, type ModelVersion, plus } from "../../domain/units.ts";

const MODEL = "mdl_0123456789ab" as ModelVersion;
const AS_OF = Date.UTC(2026, 0, 11, 10, 37) as EpochMs;

/** A forecast of the same three quantiles at each horizon. */
function flat(p10: number, p50: number, p90: number): DemandForecast {
  const quantiles = HORIZONS_MS.flatMap(() => [p10, p50, p90]);
  return forecastFrom(quantiles, HORIZONS_MS, AS_OF, MODEL);
}

const bookings = fc.double({ min: 0, max: 10_000, noNaN: true });
const hourOf = fc.tuple(bookings, bookings, bookings, bookings);
const forecastOf = (p50s: readonly number[]) =>
  forecastFrom(
    p50s.flatMap((p50) => [p50, p50, p50]),
    HORIZONS_MS,
    AS_OF,
    MODEL,
  );

describe("forecastFrom()", () => {
  it("names the numbers by horizon, then quantile", () => {
    const quantiles = Array.from({ length: 12 }, (_, i) => i);
    const { madeAt, modelVersion, points } = forecastFrom(quantiles, HORIZONS_MS, AS_OF, MODEL);
    expect({ madeAt, modelVersion }).toEqual({ madeAt: AS_OF, modelVersion: MODEL });
    expect(points).toEqual(
      [15, 30, 45, 60].map((minutes, i) => ({
        at: AS_OF + minutes * MINUTE_MS,
        horizonMs: minutes * MINUTE_MS,
        p10: 3 * i,
        p50: 3 * i + 1,
        p90: 3 * i + 2,
      })),
    );
  });

  it.each([0, 3, 11, 13])("throws on %i numbers, which are no four horizons", (length) => {
    const quantiles = new Array<number>(length).fill(1);
    expect(() => forecastFrom(quantiles, HORIZONS_MS, AS_OF, MODEL)).toThrow(RangeError);
  });
});

describe("demandScoreOf()", () => {
  it.each([
    ["what is usual is expected", [4, 4, 4, 4], [4, 4, 4, 4], 0.5],
    ["the hour is usual, though not its quarters", [1, 3, 5, 7], [7, 5, 3, 1], 0.5],
    ["three times the usual is expected", [9, 9, 9, 9], [3, 3, 3, 3], 0.75],
    ["a third of it is", [1, 1, 1, 1], [3, 3, 3, 3], 0.25],
    ["nothing is expected of a busy hour", [0, 0, 0, 0], [3, 3, 3, 3], 0],
    ["bookings are expected where there never were any", [1, 0, 0, 0], [0, 0, 0, 0], 1],
    ["nothing is expected and nothing is usual", [0, 0, 0, 0], [0, 0, 0, 0], 0.5],
  ])("when %s", (_, expected, usual, score) => {
    expect(demandScoreOf(forecastOf(expected), usual)).toBe(score);
  });

  it("is 0.5 where the forecast equals the usual, and 0.75 at three times it", () => {
    fc.assert(
      fc.property(hourOf, (usual) => {
        fc.pre(usual.some((value) => value > 1e-6));
        expect(demandScoreOf(forecastOf(usual), usual)).toBeCloseTo(0.5, 12);
        const three = forecastOf(usual.map((value) => 3 * value));
        expect(demandScoreOf(three, usual)).toBeCloseTo(0.75, 12);
      }),
    );
  });

  it("lies between 0 and 1, and never falls when more is expected", () => {
    fc.assert(
      fc.property(hourOf, hourOf, bookings, (expected, usual, more) => {
        const score = demandScoreOf(forecastOf(expected), usual) ?? Number.NaN;
        expect(score).toBeGreaterThanOrEqual(0);
        expect(score).toBeLessThanOrEqual(1);
        fc.pre(usual.some((value) => value > 0));
        const greater = demandScoreOf(forecastOf(expected.map((p50) => p50 + more)), usual);
        expect(greater).toBeGreaterThanOrEqual(score - 1e-12);
      }),
    );
  });

  it("is unknown where the usual of one quarter hour is", () => {
    expect(demandScoreOf(flat(1, 2, 3), [2, 2, null, 2])).toBeNull();
  });
});

describe("confidenceOf()", () => {
  it.each([
    ["all quantiles are one number", flat(5, 5, 5), 1],
    ["the spread is twice the median", flat(0, 4, 8), 0.5],
    ["the hour's median is below one booking", flat(0, 0.1, 0.5), 0.5],
    ["nothing at all is expected", flat(0, 0, 0), 1],
  ])("when %s", (_, forecast, confidence) => {
    expect(confidenceOf(forecast)).toBeCloseTo(confidence, 12);
  });

  it("lies above 0, at most 1, and falls as the spread grows", () => {
    fc.assert(
      fc.property(bookings, bookings, bookings, bookings, (p10, up, further, widening) => {
        const p50 = p10 + up;
        const narrow = confidenceOf(flat(p10, p50, p50 + further));
        const wide = confidenceOf(flat(p10, p50, p50 + further + widening));
        expect(wide).toBeGreaterThan(0);
        expect(narrow).toBeLessThanOrEqual(1);
        expect(wide).toBeLessThanOrEqual(narrow + 1e-12);
      }),
    );
  });
});

describe("isCurrent()", () => {
  it("holds until the last quarter hour has ended", () => {
    expect(isCurrent(flat(1, 2, 3), AS_OF)).toBe(true);
    expect(isCurrent(flat(1, 2, 3), plus(AS_OF, HOUR_MS - 1))).toBe(true);
    expect(isCurrent(flat(1, 2, 3), plus(AS_OF, HOUR_MS))).toBe(false);
  });
});
