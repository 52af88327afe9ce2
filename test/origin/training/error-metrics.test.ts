import { describe, expect, test } from "vitest";
import { BookingHistory } from "../../../domain/history.ts";
import { plus, QUARTER_HOUR_MS, WEEK_MS } from "../../../domain/units.ts";
import { lastWeek, meanOfWeeks, seasonalNaiveError } from "../../../origin/evaluation/baselines.ts";
import { createComparisonTally } from "../../../origin/evaluation/comparison.ts";
import { createErrorTally } from "../../../origin/evaluation/error-metrics.ts";
import { START_AT } from "./demand-samples.ts";

const SLOTS_PER_WEEK = WEEK_MS / QUARTER_HOUR_MS;

describe("createErrorTally()", () => {
  test("works out to numbers done by hand", () => {
    const tally = createErrorTally();
    tally.add(10, { p10: 4, p50: 8, p90: 12 }, 4);
    tally.add(5, { p10: 6, p50: 9, p90: 11 }, 2);
    const { wape, mase, smape, pinball, coverage_80 } = tally.metrics();
    expect(wape).toBeCloseTo(6 / 15, 12);
    expect(mase).toBeCloseTo((2 / 4 + 4 / 2) / 2, 12);
    expect(smape).toBeCloseTo((4 / 18 + 8 / 14) / 2, 12);
    const first = 0.1 * 6 + 0.5 * 2 + 0.1 * 2;
    const second = 0.9 * 1 + 0.5 * 4 + 0.1 * 6;
    expect(pinball).toBeCloseTo((first + second) / 6, 12);
    expect(coverage_80).toBe(0.5);
  });

  test("is 0 for a forecast that is right, zeros among them", () => {
    const tally = createErrorTally();
    tally.add(3, { p10: 3, p50: 3, p90: 3 }, 1);
    tally.add(0, { p10: 0, p50: 0, p90: 0 }, 1);
    expect(tally.metrics()).toEqual({ wape: 0, mase: 0, smape: 0, pinball: 0, coverage_80: 1 });
  });

  test("has no error in proportion to nothing, and no coverage without an interval", () => {
    const tally = createErrorTally();
    tally.add(0, { p50: 2 }, 0);
    expect(tally.metrics()).toEqual({
      wape: null,
      mase: null,
      smape: 2,
      pinball: expect.closeTo((0.9 * 2 + 0.5 * 2 + 0.1 * 2) / 3, 12),
      coverage_80: null,
    });
  });
});

describe("baselines", () => {
  // Week w has w + 1 bookings in every quarter hour.
  const counts = Array.from(
    { length: 6 * SLOTS_PER_WEEK },
    (_, slot) => Math.floor(slot / SLOTS_PER_WEEK) + 1,
  );
  const history = new BookingHistory(START_AT, counts);
  const stretchOf = (week: number) => {
    const fromAt = plus(START_AT, week * WEEK_MS);
    return [fromAt, fromAt + QUARTER_HOUR_MS] as const;
  };

  test("lastWeek() is the same stretch a week before, and unknown in the first", () => {
    expect(lastWeek(history, ...stretchOf(5))).toBe(5);
    expect(lastWeek(history, ...stretchOf(0))).toBeNaN();
  });

  test("meanOfWeeks() takes as many of four weeks as are known", () => {
    expect(meanOfWeeks(history, ...stretchOf(5))).toBe((2 + 3 + 4 + 5) / 4);
    expect(meanOfWeeks(history, ...stretchOf(2))).toBe((1 + 2) / 2);
    expect(meanOfWeeks(history, ...stretchOf(0))).toBeNaN();
  });

  test("seasonalNaiveError() is the mean error of lastWeek() before an instant", () => {
    const untilAt = plus(START_AT, 3 * WEEK_MS);
    expect(seasonalNaiveError(history, QUARTER_HOUR_MS, untilAt)).toBe(1);
    expect(seasonalNaiveError(history, QUARTER_HOUR_MS, START_AT)).toBeNaN();
  });

  test("a comparison judges all on the same stretches", () => {
    const tally = createComparisonTally();
    for (const week of [0, 5]) {
      const [fromAt, toAt] = stretchOf(week);
      tally.add({ bookings: history, fromAt, toAt }, { p10: 5, p50: 6, p90: 7 }, 1);
    }
    const { model, seasonal_naive, four_week_mean } = tally.comparison();
    expect([model.wape, seasonal_naive.wape, four_week_mean.wape]).toEqual([0, 1 / 6, 2.5 / 6]);
  });
});
