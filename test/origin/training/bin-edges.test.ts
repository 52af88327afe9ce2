import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { binEdgesOf, binOf, edgeBetween } from "../../../origin/training/bin-edges.ts";

const float32s = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1 });
/** Few distinct values, so that ties are common. */
const ties = fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 1, maxLength: 400 });
const sorted = (values: readonly number[]) => Float32Array.from(values).sort();

describe("binEdgesOf()", () => {
  test("sends every value to the side of every edge that a float32 comparison does", () => {
    fc.assert(
      fc.property(fc.oneof(float32s, ties), fc.integer({ min: 2, max: 255 }), (values, maxBins) => {
        const edges = binEdgesOf(sorted(values), maxBins);
        for (const value of Float32Array.from(values)) {
          edges.forEach((edge, bin) => {
            expect(Math.fround(edge)).toBe(edge);
            expect(value <= edge).toBe(binOf(value, edges) <= bin);
          });
        }
      }),
    );
  });

  test("keeps within the bins, and edges ascend", () => {
    fc.assert(
      fc.property(float32s, fc.integer({ min: 2, max: 20 }), (values, maxBins) => {
        const edges = binEdgesOf(sorted(values), maxBins);
        expect(edges.length).toBeLessThan(maxBins);
        edges.forEach((edge, index) => {
          if (index > 0) expect(edge).toBeGreaterThan(edges[index - 1] ?? 0);
        });
      }),
    );
  });

  test("gives each of few distinct values a bin of its own", () => {
    const edges = binEdgesOf(sorted([3, 1, 1, 2, 3, 3]), 255);
    expect([1, 2, 3].map((value) => binOf(value, edges))).toEqual([0, 1, 2]);
  });

  test("splits many distinct values into bins of about equal size", () => {
    const values = Float32Array.from({ length: 10_000 }, (_, index) => index ** 2);
    const edges = binEdgesOf(values, 50);
    const sizes = new Array<number>(edges.length + 1).fill(0);
    for (const value of values) {
      const bin = binOf(value, edges);
      sizes[bin] = (sizes[bin] ?? 0) + 1;
    }
    expect(Math.max(...sizes)).toBeLessThanOrEqual(210);
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(190);
  });

  test("leaves a frequent value alone in its bin", () => {
    const spread = Array.from({ length: 1_000 }, (_, index) => index + 1);
    const edges = binEdgesOf(sorted([...spread, ...new Array<number>(1_000).fill(500.5)]), 20);
    expect(binOf(500, edges)).toBeLessThan(binOf(500.5, edges));
    expect(binOf(501, edges)).toBeGreaterThan(binOf(500.5, edges));
  });
});

test("edgeBetween() lies below the upper of two neighbouring floats", () => {
  const lower = 1;
  const upper = 1 + 2 ** -23;
  expect(edgeBetween(lower, upper)).toBe(lower);
});
