import type { ByteReader, ByteWriter } from "./bytes.ts";
import { BookingHistory, HISTORY_SLOTS } from "./history.ts";
import { type EpochMs, QUARTER_HOUR_MS } from "./units.ts";

/** Slots ahead that senders with fast clocks may book into. */
const SLOTS_AHEAD = 4;
const RING_SLOTS = HISTORY_SLOTS + SLOTS_AHEAD;

/** Bookings per quarter hour from before a region heard its first event; `startAt` on a quarter hour. */
export interface EarlierBookings {
  startAt: EpochMs;
  counts: Uint32Array;
}

/** Bookings of one region per quarter hour of event time: 29 days of them, in a ring. */
export class QuarterHours {
  private readonly counts = new Uint32Array(RING_SLOTS);
  /** The newest quarter hour the ring holds, counted since 1970; -1 before the first booking. */
  private newest = -1;

  add(occurredAt: number): void {
    this.addMany(Math.floor(occurredAt / QUARTER_HOUR_MS), 1);
  }

  /** Bookings of a quarter hour, counted since 1970. */
  at(quarter: number): number {
    if (quarter > this.newest || quarter <= this.newest - RING_SLOTS) return 0;
    return this.counts[quarter % RING_SLOTS] ?? 0;
  }

  /** Adds the counts of `other`. */
  addAll(other: QuarterHours): void {
    other.forEach((quarter, count) => {
      this.addMany(quarter, count);
    });
  }

  /** Calls back for each quarter hour that has bookings, oldest first. */
  forEach(onQuarter: (quarter: number, count: number) => void): void {
    const from = Math.max(0, this.newest - RING_SLOTS + 1);
    for (let quarter = from; quarter <= this.newest; quarter++) {
      const count = this.counts[quarter % RING_SLOTS] ?? 0;
      if (count > 0) onQuarter(quarter, count);
    }
  }

  /** Adds bookings of a quarter hour, counted since 1970. */
  addMany(quarter: number, count: number): void {
    this.advanceTo(quarter);
    if (quarter <= this.newest - RING_SLOTS) return;
    const slot = quarter % RING_SLOTS;
    this.counts[slot] = (this.counts[slot] ?? 0) + count;
  }

  writeTo(writer: ByteWriter): void {
    writer.f64(this.newest);
    for (const count of this.counts) writer.varint(count);
  }

  static readFrom(reader: ByteReader): QuarterHours {
    const quarters = new QuarterHours();
    quarters.newest = reader.f64();
    for (let i = 0; i < RING_SLOTS; i++) quarters.counts[i] = reader.varint();
    return quarters;
  }

  private advanceTo(quarter: number): void {
    if (quarter <= this.newest) return;
    const from = Math.max(this.newest + 1, quarter - RING_SLOTS + 1);
    for (let passed = from; passed <= quarter; passed++) this.counts[passed % RING_SLOTS] = 0;
    this.newest = quarter;
  }
}

/**
 * What is known of a region's bookings up to the quarter hour under way at `asOf`, at most 29 days.
 *
 * From `beganAt`, when the region heard its first event, its own counts stand; before that the earlier bookings, and where
 * there are none, nothing is known. Between the end of the earlier bookings and `beganAt` nothing was booked. Without
 * earlier bookings the first quarter hour is left out: the region saw only the rest of it.
 */
export function bookingHistory(
  own: QuarterHours,
  earlier: EarlierBookings | null,
  beganAt: EpochMs,
  asOf: EpochMs,
): BookingHistory {
  const quarterOf = (at: number) => Math.floor(at / QUARTER_HOUR_MS);
  const end = quarterOf(asOf);
  const began = quarterOf(beganAt);
  const knownFrom = earlier ? quarterOf(earlier.startAt) : began + 1;
  const start = Math.min(end, Math.max(knownFrom, end - HISTORY_SLOTS));
  const counts = new Float64Array(end - start);
  for (let quarter = start; quarter < end; quarter++) {
    counts[quarter - start] =
      quarter < began && earlier
        ? (earlier.counts[quarter - quarterOf(earlier.startAt)] ?? 0)
        : own.at(quarter);
  }
  return new BookingHistory((start * QUARTER_HOUR_MS) as EpochMs, counts);
}
