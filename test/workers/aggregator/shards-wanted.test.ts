import { describe, expect, it } from "vitest";
import type { ShardCount } from "../../../domain/slices.ts";
import { ShardsWanted, type SplitRules } from "../../../workers/aggregator/shards-wanted.ts";

const RULES: SplitRules = {
  splitAbovePerS: 1_000,
  splitAfterMs: 5_000,
  mergeBelowPerS: 300,
  mergeAfterMs: 60_000,
  mostKeys: 10_000,
};

/** A region that follows what is wanted, second by second. */
function region(rules = RULES) {
  const wanted = new ShardsWanted(rules);
  let now = 1_000_000;
  let shards: ShardCount = 1;
  return (perSecond: number, seconds: number, keys = 0): ShardCount => {
    for (let i = 0; i < seconds; i++) {
      now += 1_000;
      wanted.took(perSecond, now);
      shards = wanted.at(now, shards, keys);
    }
    return shards;
  };
}

describe("the number of shards a region should have", () => {
  it("is one, below the rate", () => {
    const seconds = region();
    expect(seconds(900, 600)).toBe(1);
  });

  it("does not grow by a burst, but by what lasts", () => {
    const seconds = region();
    seconds(100, 10);
    expect(seconds(3_000, 1)).toBe(1);
    expect(seconds(100, 10)).toBe(1);
    expect(seconds(1_200, 6)).toBe(2);
  });

  it("is enough at once for a rate that needs more, and sixteen at most", () => {
    const seconds = region();
    seconds(100, 10);
    expect(seconds(5_000, 8)).toBe(8);
    expect(seconds(100_000, 8)).toBe(16);
    expect(seconds(100_000, 60)).toBe(16);
  });

  it("shrinks after a while of less, to what the busiest moment of that while needs", () => {
    const seconds = region();
    expect(seconds(5_000, 8)).toBe(8);
    expect(seconds(900, 50)).toBe(8);
    expect(seconds(900, 20)).toBe(4);
    expect(seconds(20, 55)).toBe(4);
    // The busiest moment of this while was its first, when the seconds before it still counted.
    expect(seconds(20, 20)).toBe(2);
    expect(seconds(20, 70)).toBe(1);
  });

  it("does not shrink while the rate comes back now and then", () => {
    const seconds = region();
    expect(seconds(1_300, 10)).toBe(2);
    for (let i = 0; i < 20; i++) {
      expect(seconds(10, 50)).toBe(2);
      expect(seconds(700, 6)).toBe(2);
    }
  });

  it("does not swing at a steady rate, whatever it is", () => {
    for (let rate = 50; rate < 20_000; rate = Math.ceil(rate * 1.17)) {
      const seconds = region();
      const settled = seconds(rate, 200);
      for (let i = 0; i < 30; i++) expect(seconds(rate, 20)).toBe(settled);
    }
  });

  it("follows the keys that are remembered where they are more than an object holds", () => {
    const seconds = region();
    expect(seconds(10, 10, 9_999)).toBe(1);
    expect(seconds(10, 2, 10_001)).toBe(2);
    expect(seconds(10, 200, 10_001)).toBe(2);
    expect(seconds(10, 100, 4_000)).toBe(1);
  });
});
