import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { improveSplit, noSplit, scoreOf } from "../../../origin/training/best-split.ts";
import { binEdgesOf, binOf, MISSING_BIN } from "../../../origin/training/bin-edges.ts";
import { addRows, HISTOGRAM_WIDTH, subtract } from "../../../origin/training/histogram.ts";

interface Row {
  value: number | null;
  /** (gradient, hessian) pairs, one an output. */
  pairs: number[];
}

const LIMITS = { minChildHessian: 0.5, l2: 1 };

const rowsOf = (outputs: number) =>
  fc.array(
    fc.record({
      value: fc.option(fc.integer({ min: 0, max: 12 }), { freq: 4 }),
      pairs: fc
        .array(fc.tuple(fc.integer({ min: -8, max: 8 }), fc.integer({ min: 1, max: 8 })), {
          minLength: outputs,
          maxLength: outputs,
        })
        // Eighths add up exactly, so that the two ways can be compared to the last bit but one.
        .map((pairs) => pairs.flat().map((number) => number / 8)),
    }),
    { minLength: 2, maxLength: 40 },
  );

function sumsOf(rows: readonly Row[], outputs: number): Float64Array {
  return new Float64Array(2 * outputs).map((_, index) =>
    rows.reduce((sum, { pairs }) => sum + (pairs[index] ?? 0), 0),
  );
}

/** The best gain of all ways to divide the rows by their value, missing ones on either side. */
function bruteForceGain(rows: readonly Row[], outputs: number): number {
  const thresholds = new Set(rows.flatMap(({ value }) => value ?? []));
  const totals = sumsOf(rows, outputs);
  let best = 0;
  for (const threshold of thresholds) {
    for (const missingLeft of [true, false]) {
      const isLeft = ({ value }: Row) => (value === null ? missingLeft : value <= threshold);
      const children = [rows.filter(isLeft), rows.filter((row) => !isLeft(row))];
      // A split is between two values; one that only parts missing from present is none of ours.
      if (!children.every((child) => child.some(({ value }) => value !== null))) continue;
      const sums = children.map((child) => sumsOf(child, outputs));
      const weights = sums.map((pairs) => hessianMean(pairs));
      if (Math.min(...weights) < LIMITS.minChildHessian) continue;
      const score = sums.reduce((sum, pairs) => sum + scoreOf(pairs, LIMITS.l2), 0);
      best = Math.max(best, 0.5 * (score - scoreOf(totals, LIMITS.l2)));
    }
  }
  return best;
}

const hessianMean = (pairs: Float64Array) =>
  (2 * pairs.filter((_, index) => index % 2 === 1).reduce((sum, value) => sum + value, 0)) /
  pairs.length;

function histogramOf(rows: readonly Row[], edges: Float32Array, outputs: number): Float64Array {
  const bins = Uint8Array.from(rows, ({ value }) =>
    value === null ? MISSING_BIN : binOf(value, edges),
  );
  const order = Uint32Array.from(rows.keys());
  const pairs = new Float32Array(2 * rows.length * outputs);
  rows.forEach((row, index) => {
    row.pairs.forEach((value, place) => {
      pairs[(place >> 1) * 2 * rows.length + 2 * index + (place & 1)] = value;
    });
  });
  const histogram = new Float64Array(outputs * HISTOGRAM_WIDTH);
  const unused = new Float64Array(outputs * HISTOGRAM_WIDTH);
  addRows([histogram, unused], [bins, bins], order, pairs, 0, rows.length);
  return histogram;
}

function edgesOf(rows: readonly Row[]): Float32Array {
  return binEdgesOf(Float32Array.from(rows.flatMap(({ value }) => value ?? [])).sort(), 255);
}

describe("improveSplit()", () => {
  test.each([1, 3])("finds the gain of an exhaustive search, with %i outputs", (outputs) => {
    fc.assert(
      fc.property(rowsOf(outputs), (rows) => {
        const edges = edgesOf(rows);
        const histogram = histogramOf(rows, edges, outputs);
        const best = noSplit(outputs);
        improveSplit(best, histogram, sumsOf(rows, outputs), 0, edges.length, true, LIMITS);
        expect(best.gain).toBeCloseTo(bruteForceGain(rows, outputs), 9);
      }),
      { numRuns: 300 },
    );
  });

  test("leaves the rows on the side that it says", () => {
    fc.assert(
      fc.property(rowsOf(2), (rows) => {
        const edges = edgesOf(rows);
        const best = noSplit(2);
        const totals = sumsOf(rows, 2);
        improveSplit(best, histogramOf(rows, edges, 2), totals, 0, edges.length, true, LIMITS);
        if (best.feature < 0) return;
        const left = rows.filter(({ value }) =>
          value === null ? best.missingLeft : binOf(value, edges) <= best.bin,
        );
        sumsOf(left, 2).forEach((sum, index) => {
          expect(best.left[index]).toBeCloseTo(sum, 9);
        });
      }),
    );
  });

  test("keeps a better split of another feature", () => {
    const rows = [0, 0, 1, 1].map((value) => ({ value, pairs: [value - 0.5, 1] }));
    const edges = edgesOf(rows);
    const best = { ...noSplit(1), gain: 100, feature: 7 };
    improveSplit(best, histogramOf(rows, edges, 1), sumsOf(rows, 1), 0, 1, false, LIMITS);
    expect(best.feature).toBe(7);
  });

  test("sends values missing later with the heavier child where none is missing now", () => {
    const rows = [0, 1, 1, 1].map((value) => ({ value, pairs: [value - 0.5, 1] }));
    const best = noSplit(1);
    improveSplit(best, histogramOf(rows, edgesOf(rows), 1), sumsOf(rows, 1), 0, 1, false, LIMITS);
    expect(best).toMatchObject({ feature: 0, bin: 0, missingLeft: false });
  });
});

test("subtract() leaves the histogram of the other child", () => {
  fc.assert(
    fc.property(rowsOf(1), fc.nat(39), (rows, cut) => {
      const edges = edgesOf(rows);
      const parent = histogramOf(rows, edges, 1);
      subtract(parent, histogramOf(rows.slice(0, cut), edges, 1));
      expect(parent).toEqual(histogramOf(rows.slice(cut), edges, 1));
    }),
  );
});
