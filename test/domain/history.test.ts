import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BookingHistory } from "../../domain/history.ts";
import { type EpochMs, plus, QUARTER_HOUR_MS } from "../../domain/units.ts";

const T0 = Date.UTC(2026, 0, 11, 10, 30) as EpochMs;
const someCounts = fc.array(fc.nat({ max: 1_000 }), { minLength: 1, maxLength: 60 });
const quarter = (slots: number) => plus(T0, slots * QUARTER_HOUR_MS);
const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);

/** Instants in and around a history of up to 60 quarter hours. */
const anywhere = fc
  .integer({ min: -5 * QUARTER_HOUR_MS, max: 65 * QUARTER_HOUR_MS })
  .map((offset) => plus(T0, offset));

describe("BookingHistory.between()", () => {
  it("is exact on quarter hours", () => {
    const ends = fc.tuple(fc.nat({ max: 60 }), fc.nat({ max: 60 }));
    fc.assert(
      fc.property(someCounts, ends, (counts, [a, b]) => {
        const [from, to] = a < b ? [a, b] : [b, a];
        const history = new BookingHistory(T0, counts);
        expect(history.between(quarter(from), quarter(to))).toBe(sum(counts.slice(from, to)));
      }),
    );
  });

  it("adds up: two stretches that meet are the stretch they make", () => {
    fc.assert(
      fc.property(someCounts, anywhere, anywhere, anywhere, (counts, ...instants) => {
        const [a = T0, b = T0, c = T0] = instants.toSorted((x, y) => x - y);
        const history = new BookingHistory(T0, counts);
        const whole = history.between(a, c);
        expect(history.between(a, b) + history.between(b, c)).toBeCloseTo(whole, 6);
        expect(history.between(a, b)).toBeGreaterThanOrEqual(0);
        expect(whole).toBeLessThanOrEqual(sum(counts));
      }),
    );
  });

  it("counts a quarter hour that is cut in proportion", () => {
    const history = new BookingHistory(T0, [10, 30]);
    expect(history.between(quarter(0.2), quarter(0.5))).toBeCloseTo(3, 12);
    expect(history.between(quarter(0.5), quarter(1.5))).toBeCloseTo(20, 12);
  });

  it("counts nothing outside of what is known", () => {
    const history = new BookingHistory(T0, [10, 30]);
    expect(history.between(quarter(-9), quarter(0))).toBe(0);
    expect(history.between(quarter(2), quarter(9))).toBe(0);
    expect(history.between(quarter(-9), quarter(9))).toBe(40);
    expect(new BookingHistory(T0, []).between(quarter(-1), quarter(1))).toBe(0);
  });
});

describe("BookingHistory", () => {
  it("covers what it holds, and nothing beyond either end", () => {
    const history = new BookingHistory(T0, [1, 2, 3]);
    expect(history.endAt).toBe(quarter(3));
    expect(history.covers(quarter(0), quarter(3))).toBe(true);
    expect(history.covers(quarter(1), quarter(2))).toBe(true);
    expect(history.covers(quarter(0) - 1, quarter(2))).toBe(false);
    expect(history.covers(quarter(1), quarter(3) + 1)).toBe(false);
  });

  it("begins on a quarter hour, or throws", () => {
    expect(() => new BookingHistory(plus(T0, 60_000), [1])).toThrow(RangeError);
  });
});
