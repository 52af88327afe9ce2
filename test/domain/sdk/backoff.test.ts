import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { backoffMs, parseRetryAfter } from "../../../sdk/src/backoff.ts";

const rules = { baseMs: 500, capMs: 60_000 };

describe("backoffMs()", () => {
  test("lies anywhere from the Retry-After to the exponential ceiling above it, never beyond", () => {
    const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    const retryAfter = fc.option(fc.nat(100_000));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000 }), retryAfter, chance, (failures, held, c) => {
        const waitMs = backoffMs(failures, held, rules, () => c);
        expect(waitMs).toBeGreaterThanOrEqual(held ?? 0);
        const ceilingMs = Math.min(rules.capMs, rules.baseMs * 2 ** Math.min(failures - 1, 20));
        expect(waitMs).toBeLessThan((held ?? 0) + ceilingMs);
      }),
    );
  });

  test("doubles its ceiling with each failure up to the cap", () => {
    const nearlyOne = () => 1 - 2 ** -50;
    const waits = [1, 2, 3, 8, 100].map((n) => backoffMs(n, null, rules, nearlyOne));
    expect(waits).toEqual([499, 999, 1_999, 59_999, 59_999]);
  });

  test("obeys no Retry-After for longer than an hour", () => {
    expect(backoffMs(1, 1e12, rules, () => 0)).toBe(3_600_000);
  });
});

describe("parseRetryAfter()", () => {
  const now = Date.parse("2026-01-11T10:30:00Z");
  test.each([
    ["seconds", "7", 7_000],
    ["a date ahead", "Sun, 11 Jan 2026 10:30:09 GMT", 9_000],
    ["a date that has passed", "Sun, 11 Jan 2026 10:29:00 GMT", 0],
    ["nonsense", "soon", null],
    ["none", null, null],
  ])("%s", (_, header, waitMs) => {
    expect(parseRetryAfter(header, now)).toBe(waitMs);
  });
});
