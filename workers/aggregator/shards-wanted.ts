import { SHARD_COUNTS, type ShardCount } from "../../domain/slices.ts";
import { SECOND_MS } from "../../domain/units.ts";
import { RateMeter } from "./rate-meter.ts";

/** When a region is split and merged. Rates are events a second, repeats among them; times are of the wall clock. */
export interface SplitRules {
  /** More than this for an object, over `splitAfterMs`, and the region is split further. */
  splitAbovePerS: number;
  splitAfterMs: number;
  /** No more than this for an object after a merge, all through `mergeAfterMs`, and the region is merged. */
  mergeBelowPerS: number;
  mergeAfterMs: number;
  /** Keys that one object remembers at most: they are what its memory is full of. */
  mostKeys: number;
}

const LOOKED_EVERY_MS = SECOND_MS;
/** A split leaves this share of what an object may have unused, so that the next is not due at once. */
const SPLIT_TO = 0.7;
/** As a merge does, by the keys. */
const MERGE_TO = 0.5;

/** How many shards a region should have, from the events and keys it has had lately. */
export class ShardsWanted {
  private readonly rules: SplitRules;
  private readonly meter: RateMeter;
  /** Since when it could have been merged, and the highest rate since then; null while it could not. */
  private lookedAt = Number.NEGATIVE_INFINITY;
  private quiet: { since: number; peak: number } | null = null;

  constructor(rules: SplitRules) {
    this.rules = rules;
    this.meter = new RateMeter(rules.splitAfterMs);
  }

  took(events: number, wallNow: number): void {
    this.meter.took(events, wallNow);
  }

  /** For a region that has `present` shards and remembers `keys`. It is looked at anew once a second, however often this is called. */
  at(wallNow: number, present: ShardCount, keys: number): ShardCount {
    if (wallNow - this.lookedAt < LOOKED_EVERY_MS) return present;
    this.lookedAt = wallNow;
    const { splitAbovePerS, mergeBelowPerS, mergeAfterMs, mostKeys } = this.rules;
    const rate = this.meter.at(wallNow);
    const needed = Math.max(rate / splitAbovePerS, keys / mostKeys);
    if (needed > present) {
      this.quiet = null;
      return Math.max(present, shardsFor(needed / SPLIT_TO)) as ShardCount;
    }
    const fewer = (peak: number) =>
      shardsFor(Math.max(peak / mergeBelowPerS, keys / (mostKeys * MERGE_TO)));
    if (fewer(rate) >= present) {
      this.quiet = null;
      return present;
    }
    this.quiet ??= { since: wallNow, peak: 0 };
    this.quiet.peak = Math.max(this.quiet.peak, rate);
    if (wallNow - this.quiet.since < mergeAfterMs) return present;
    const merged = fewer(this.quiet.peak);
    this.quiet = null;
    return Math.min(present, merged) as ShardCount;
  }
}

/** The fewest shards that are at least as many as needed, or the most there can be. */
function shardsFor(needed: number): ShardCount {
  return SHARD_COUNTS.find((shards) => shards >= needed) ?? 16;
}
