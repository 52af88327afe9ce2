import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nextRange } from "../../origin/event-log/next-range.ts";

const BOUNDS = { maxBytes: 1_000, maxSegments: 10 };
const segment = (sequence: number, bytes = 100) => {
  const at = "2026-01-11T12:00:00.000Z";
  return { sequence, bytes, records: 1, written_at: at, first_at: at, last_at: at };
};
const from = (sequence: number, readingTo: number | null = null) => ({ sequence, readingTo });

describe("nextRange()", () => {
  test("is nothing where nothing is listed", () => {
    expect(nextRange(from(4), [], BOUNDS)).toEqual({ kind: "none" });
  });

  test("ends before a gap, and then is the gap", () => {
    const listed = [segment(1), segment(2), segment(5)];
    expect(nextRange(from(0), listed, BOUNDS)).toEqual({
      kind: "range",
      segments: [segment(1), segment(2)],
    });
    expect(nextRange(from(2), [segment(5)], BOUNDS)).toEqual({ kind: "gap", first: 3, last: 4 });
  });

  test("takes a segment that is larger than a range alone", () => {
    const listed = [segment(1, 5_000), segment(2)];
    expect(nextRange(from(0), listed, BOUNDS)).toEqual({
      kind: "range",
      segments: [segment(1, 5_000)],
    });
  });

  test("takes a range that was begun as it was, whatever came since", () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 2_000 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(sizes, fc.nat({ max: 20 }), fc.nat({ max: 30 }), (bytes, before, later) => {
        const listed = bytes.map((size, i) => segment(before + 1 + i, size));
        const begun = nextRange(from(before), listed, BOUNDS);
        if (begun.kind !== "range") throw new Error("no gap was listed");
        const readingTo = before + begun.segments.length;
        const more = Array.from({ length: later }, (_, i) =>
          segment(before + bytes.length + 1 + i, 1),
        );
        expect(nextRange(from(before, readingTo), [...listed, ...more], BOUNDS)).toEqual(begun);
      }),
    );
  });

  test("is contiguous, begins behind the cursor, and keeps to its bounds", () => {
    const sequences = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { minLength: 1 });
    fc.assert(
      fc.property(sequences, fc.integer({ min: 1, max: 600 }), (all, bytes) => {
        const listed = all.toSorted((a, b) => a - b).map((sequence) => segment(sequence, bytes));
        const range = nextRange(from(0), listed, BOUNDS);
        if (range.kind !== "range") {
          expect(all).not.toContain(1);
          return;
        }
        const { segments } = range;
        segments.forEach(({ sequence }, i) => {
          expect(sequence).toBe(i + 1);
        });
        expect(segments.length).toBeLessThanOrEqual(BOUNDS.maxSegments);
        expect(segments.length * bytes).toBeLessThanOrEqual(BOUNDS.maxBytes);
      }),
    );
  });
});
