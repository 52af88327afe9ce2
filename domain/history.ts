import { DAY_MS, type EpochMs, QUARTER_HOUR_MS, WEEK_MS } from "./units.ts";

/** How far back features look: four weeks, plus a day so that a smoothed slot four weeks ago is whole. */
export const HISTORY_MS = 4 * WEEK_MS + DAY_MS;
export const HISTORY_SLOTS = HISTORY_MS / QUARTER_HOUR_MS;

/**
 * Bookings of one region per quarter hour, as cumulative counts, so that a sum over any stretch is two lookups.
 *
 * Slots are half-open, [startAt + i * 15 min, startAt + (i + 1) * 15 min). `startAt` lies on a quarter hour; what is
 * before it is unknown, not zero.
 */
export class BookingHistory {
  readonly startAt: EpochMs;
  readonly slots: number;
  /** cumulative[i] = bookings in the first i slots; length slots + 1. */
  private readonly cumulative: Float64Array;

  /** `counts[i]` is the number of bookings in slot i. Throws when `startAt` is not on a quarter hour. */
  constructor(startAt: EpochMs, counts: ArrayLike<number>) {
    if (startAt % QUARTER_HOUR_MS !== 0) throw new RangeError(`not on a quarter hour: ${startAt}`);
    this.startAt = startAt;
    this.slots = counts.length;
    this.cumulative = new Float64Array(counts.length + 1);
    for (let i = 0; i < counts.length; i++) {
      this.cumulative[i + 1] = (this.cumulative[i] ?? 0) + (counts[i] ?? 0);
    }
  }

  /** The instant up to which bookings are known. */
  get endAt(): EpochMs {
    return (this.startAt + this.slots * QUARTER_HOUR_MS) as EpochMs;
  }

  /** True when the whole of [fromAt, toAt) is known. */
  covers(fromAt: number, toAt: number): boolean {
    return fromAt >= this.startAt && toAt <= this.endAt;
  }

  /**
   * Bookings in [fromAt, toAt). A slot that is cut counts in proportion, so off the quarter hour this is an estimate and
   * on it exact. What lies outside the known stretch counts as nothing; ask `covers` first.
   */
  between(fromAt: number, toAt: number): number {
    return this.before(toAt) - this.before(fromAt);
  }

  private before(at: number): number {
    const position = (at - this.startAt) / QUARTER_HOUR_MS;
    if (position <= 0) return 0;
    if (position >= this.slots) return this.cumulative[this.slots] ?? 0;
    const slot = Math.floor(position);
    const low = this.cumulative[slot] ?? 0;
    const high = this.cumulative[slot + 1] ?? 0;
    return low + (high - low) * (position - slot);
  }
}
