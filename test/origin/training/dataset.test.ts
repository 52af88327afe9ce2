import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FEATURE_NAMES, featuresFrom } from "../../../domain/features.ts";
import { BookingHistory } from "../../../domain/history.ts";
import { DAY_MS, type EpochMs, HOUR_MS, plus, QUARTER_HOUR_MS } from "../../../domain/units.ts";
import { datasetFrom, rowsKnownAt } from "../../../origin/training/dataset.ts";
import {
  busiestRegions,
  knownStretch,
  pastSignals,
} from "../../../origin/training/demand-history.ts";
import { featureRow, firstRows, matrixHash } from "../../../origin/training/training-matrix.ts";
import { bookingCounts, demandHistory, SLOTS_PER_DAY, START_AT } from "./demand-samples.ts";

const DAYS = 12;
const history = demandHistory(DAYS);
const fromAt = plus(START_AT, 9 * DAY_MS);
const dataset = datasetFrom(history.regions, { fromAt, untilAt: plus(fromAt, DAY_MS) });

describe("datasetFrom()", () => {
  test("has a row for each region at each quarter hour whose targets end in the range", () => {
    expect(dataset.origins).toHaveLength(SLOTS_PER_DAY - 3);
    expect(dataset.origins.at(-1)).toBe(plus(fromAt, DAY_MS - HOUR_MS));
    expect(dataset.matrix.rowCount).toBe(dataset.origins.length * 3);
  });

  test("holds what the function that serves says, and what came in the four quarter hours ahead", () => {
    const counts = bookingCounts(DAYS, 8, 1);
    const [, region] = history.regions;
    if (region === undefined) throw new Error("no region");
    dataset.origins.forEach((asOf, index) => {
      const row = index * 3 + 1;
      const { values } = featuresFrom({
        timeZone: region.timeZone,
        history: region.bookings,
        signals: pastSignals(region.bookings, asOf),
        liveSince: region.bookings.startAt,
        context: region.contextAt(asOf),
      });
      expect(featureRow(dataset.matrix, row)).toEqual(values);
      const slot = (asOf - START_AT) / QUARTER_HOUR_MS;
      const targets = [...dataset.matrix.targets.subarray(4 * row, 4 * row + 4)];
      expect(targets).toEqual(counts.slice(slot, slot + 4));
    });
  });

  test("knows nothing at an origin of what came after it", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: DAYS * SLOTS_PER_DAY - 4 }), (slot) => {
        const asOf = plus(START_AT, slot * QUARTER_HOUR_MS);
        const rowOf = (counts: number[]) => {
          const bookings = new BookingHistory(START_AT, counts);
          const region = { ...history.regions[0], bookings };
          const { regionId, timeZone, contextAt } = region;
          if (!regionId || !timeZone || !contextAt) throw new Error("no region");
          const range = { fromAt: asOf, untilAt: plus(asOf, HOUR_MS) };
          const only = datasetFrom([{ regionId, timeZone, contextAt, bookings }], range);
          return featureRow(only.matrix, 0);
        };
        const counts = bookingCounts(DAYS, 8, 5);
        const otherwise = counts.map((count, index) => (index < slot ? count : count + 7));
        expect(rowOf(otherwise)).toEqual(rowOf(counts));
      }),
      { numRuns: 50 },
    );
  });
});

test("rowsKnownAt() counts the rows whose last quarter hour has ended", () => {
  expect(rowsKnownAt(dataset, plus(fromAt, HOUR_MS - 1))).toBe(0);
  expect(rowsKnownAt(dataset, plus(fromAt, HOUR_MS))).toBe(3);
  expect(rowsKnownAt(dataset, plus(fromAt, DAY_MS))).toBe(dataset.matrix.rowCount);
});

test("firstRows() keeps features and targets of the rows it keeps", () => {
  const first = firstRows(dataset.matrix, 30);
  expect(first.rowCount).toBe(30);
  expect(featureRow(first, 29)).toEqual(featureRow(dataset.matrix, 29));
  expect(first.targets).toEqual(dataset.matrix.targets.slice(0, 120));
});

test("matrixHash() tells another target and another feature", () => {
  const before = matrixHash(dataset.matrix);
  expect(matrixHash(firstRows(dataset.matrix, dataset.matrix.rowCount))).toBe(before);
  const targets = dataset.matrix.targets.map((target, cell) => (cell === 17 ? target + 1 : target));
  expect(matrixHash({ ...dataset.matrix, targets })).not.toBe(before);
  const featureNames = FEATURE_NAMES.toReversed();
  expect(matrixHash({ ...dataset.matrix, featureNames })).not.toBe(before);
});

test("busiestRegions() goes by what came before the instant", () => {
  const ids = busiestRegions(history, 2, plus(START_AT, DAY_MS)).map(({ regionId }) => regionId);
  expect(ids).toEqual(["test-2", "test-1"]);
});

test("knownStretch() is what all regions know", () => {
  const [first, second] = history.regions;
  if (first === undefined || second === undefined) throw new Error("no region");
  const later = plus(START_AT, DAY_MS);
  const bookings = new BookingHistory(later, new Array<number>(SLOTS_PER_DAY).fill(1));
  expect(knownStretch({ regions: [first, { ...second, bookings }] })).toEqual({
    startAt: later,
    endAt: (later + DAY_MS) as EpochMs,
  });
});
