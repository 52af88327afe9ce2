import { describe, expect, it } from "vitest";
import { occurredAtFrom } from "../../domain/device-clock.ts";
import { type EpochMs, plus } from "../../domain/units.ts";

const now = Date.parse("2026-01-11T10:30:00Z") as EpochMs;

describe("occurredAtFrom()", () => {
  const cases: [name: string, aheadMs: number, expected: EpochMs | null][] = [
    ["leaves a time in the past as it is", -86_400_000, plus(now, -86_400_000)],
    ["leaves now as it is", 0, now],
    ["takes a clock a millisecond ahead to mean now", 1, now],
    ["takes a clock as far ahead as may be to mean now", 300_000, now],
    ["believes no clock further ahead", 300_001, null],
  ];
  it.each(cases)("%s", (_, aheadMs, expected) => {
    expect(occurredAtFrom(plus(now, aheadMs), now, 300_000)).toBe(expected);
  });
});
