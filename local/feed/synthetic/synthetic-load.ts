import { instantText } from "../../../contract/names.ts";
import { type EpochMs, MINUTE_MS, plus, type RegionId, SECOND_MS } from "../../../domain/units.ts";
import type { CountedType } from "../../../domain/window.ts";
import { byTime, type TimedEvent } from "../feed-event.ts";
import { type Draws, drawsFor } from "../random.ts";
import { drawExponential, drawPoisson, zipfRanks } from "./draw.ts";
import { type Burst, burstAt, diurnalFactor } from "./load-shape.ts";

export interface SyntheticLoadOptions {
  readonly seed: number;
  /** The busiest first. */
  readonly regionIds: readonly RegionId[];
  /** Whose day the load follows. */
  readonly timeZone: string;
  /** Mean deliveries a second over a day, repeats among them. */
  readonly eventsPerS: number;
  /** Share of deliveries that were delivered before, under the same key. */
  readonly repeatShare?: number;
}

const REPEAT_SHARE = 0.05;
const ZIPF_EXPONENT = 0.9;
/** Users of the busiest region; others have fewer, in proportion to their rank. */
const USERS = 20_000;
/** A repeat comes within this of its original. */
const MAX_REPEAT_AFTER_S = 30;
const TYPES: readonly [type: CountedType | "supply_update", share: number][] = [
  ["search", 0.56],
  ["view", 0.24],
  ["booking", 0.15],
  ["cancellation", 0.03],
  ["supply_update", 0.02],
];
const PRODUCTS = ["standard_ride", "premium_ride"] as const;

/**
 * A load that looks like a day's: regions by Zipf's law, hours by their peaks, bursts in one region, repeats under the same
 * key, and events that come late (one in ten by up to minutes, one in a thousand past any allowed lateness).
 *
 * `at` of an event is when it is sent; its timestamp is when it happened. What a second holds depends on the options and the
 * second alone, so any stretch can be made again with the same keys.
 */
export class SyntheticLoad {
  private readonly options: Required<SyntheticLoadOptions>;
  private readonly drawRank: (draws: Draws) => number;
  /** By second: repeats are drawn from the last half minute. */
  private readonly kept = new Map<number, readonly TimedEvent[]>();
  private minute: { at: EpochMs; events: readonly TimedEvent[] } | null = null;

  constructor(options: SyntheticLoadOptions) {
    this.options = { repeatShare: REPEAT_SHARE, ...options };
    this.drawRank = zipfRanks(options.regionIds.length, ZIPF_EXPONENT);
  }

  /** All deliveries in [minuteAt, minuteAt + 1 min), in order. */
  eventsOfMinute(minuteAt: EpochMs): readonly TimedEvent[] {
    if (this.minute?.at === minuteAt) return this.minute.events;
    const first = minuteAt / SECOND_MS;
    const seconds = Array.from({ length: MINUTE_MS / SECOND_MS }, (_, i) => first + i);
    const events = seconds.flatMap((second) => this.eventsOfSecond(second));
    this.minute = { at: minuteAt, events };
    return events;
  }

  /** All deliveries of a second, counted since 1970, in order. */
  eventsOfSecond(second: number): TimedEvent[] {
    return [...this.originalsOf(second), ...this.repeatsIn(second)].sort(byTime);
  }

  private originalsOf(second: number): readonly TimedEvent[] {
    const kept = this.kept.get(second);
    if (kept) return kept;
    const { seed, regionIds, repeatShare } = this.options;
    const draws = drawsFor(seed, "second", second);
    const rate = this.rateAt(second) * (1 - repeatShare);
    const burst = burstAt((second * SECOND_MS) as EpochMs, seed, regionIds.length);
    const usual = drawPoisson(draws, rate);
    const more = burst ? drawPoisson(draws, rate * burst.strength) : 0;
    const events = Array.from({ length: usual + more }, (_, n) =>
      this.original(draws, second, n, n < usual ? null : burst),
    );
    if (this.kept.size > 2 * MAX_REPEAT_AFTER_S) this.kept.clear();
    this.kept.set(second, events);
    return events;
  }

  private repeatsIn(second: number): TimedEvent[] {
    const { seed, repeatShare } = this.options;
    const draws = drawsFor(seed, "repeats", second);
    const count = drawPoisson(draws, this.rateAt(second) * repeatShare);
    return Array.from({ length: count }, (): TimedEvent[] => {
      const earlier = this.originalsOf(second - 1 - draws.below(MAX_REPEAT_AFTER_S));
      const at = (second * SECOND_MS + draws.below(SECOND_MS)) as EpochMs;
      const original = earlier.length === 0 ? undefined : earlier[draws.below(earlier.length)];
      return original ? [{ at, event: original.event }] : [];
    }).flat();
  }

  private rateAt(second: number): number {
    const { eventsPerS, timeZone } = this.options;
    return eventsPerS * diurnalFactor((second * SECOND_MS) as EpochMs, timeZone);
  }

  private original(draws: Draws, second: number, n: number, burst: Burst | null): TimedEvent {
    const { seed, regionIds } = this.options;
    const rank = burst ? burst.region : this.drawRank(draws);
    const regionId = regionIds[rank] ?? ("" as RegionId);
    const at = (second * SECOND_MS + draws.below(SECOND_MS)) as EpochMs;
    const eventType = drawType(draws);
    const users = Math.max(50, Math.round(USERS / (rank + 1)));
    const event = {
      region_id: regionId,
      timestamp: instantText(plus(at, -drawLatenessMs(draws))),
      idempotency_key: `load-${seed}-${second}-${n}`,
      quantity: 1,
    };
    if (eventType === "supply_update") {
      const metadata = { available: draws.below(120), busy: draws.below(80) };
      return { at, event: { ...event, event_type: eventType, metadata } };
    }
    // The square makes some users regulars.
    const user = Math.floor(draws.between(0, 1) ** 2 * users);
    return {
      at,
      event: {
        ...event,
        event_type: eventType,
        user_id: `${regionId}-user-${user}`,
        product_type: PRODUCTS[draws.chance(0.2) ? 1 : 0],
      },
    };
  }
}

function drawType(draws: Draws): CountedType | "supply_update" {
  let rest = draws.between(0, 1);
  for (const [type, share] of TYPES) {
    if (rest < share) return type;
    rest -= share;
  }
  return "search";
}

/** How long before it is sent an event happened. */
function drawLatenessMs(draws: Draws): number {
  const kind = draws.between(0, 1);
  if (kind < 0.9) return Math.min(5_000, Math.round(drawExponential(draws, 300)));
  if (kind < 0.999) return Math.min(4 * MINUTE_MS, Math.round(drawExponential(draws, 20_000)));
  return 10 * MINUTE_MS + draws.below(50 * MINUTE_MS);
}
