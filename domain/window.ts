/**
 * Event counts of one region by second of event time, and the windows over them.
 *
 * A ring of one-second buckets: 45 minutes back (further where events may come later), 5 ahead for senders whose clocks are
 * fast, and a minute between. Counting commutes, so the order of events never matters, and any window is a sum of buckets: sliding windows end at the instant
 * asked for, tumbling ones lie on multiples of their width and close when the watermark passes their end.
 */
import type { ByteReader, ByteWriter } from "./bytes.ts";
import { MINUTE_MS, SECOND_MS } from "./units.ts";

/** The event types that are counted by window: those of user-events. */
export const COUNTED_TYPES = ["search", "view", "booking", "cancellation"] as const;
export type CountedType = (typeof COUNTED_TYPES)[number];
/** Place of each type in a bucket. */
export const COUNTED_INDEX: Readonly<Record<CountedType, number>> = {
  search: 0,
  view: 1,
  booking: 2,
  cancellation: 3,
};

const TYPES = COUNTED_TYPES.length;
/** How far back windows are told at least. */
export const DEFAULT_REACH_MS = 30 * MINUTE_MS;
/** What a ring holds beyond that: a quarter hour before the oldest window, and what fast clocks are ahead. */
export const RING_MARGIN_MS = 21 * MINUTE_MS;

export class WindowCounts {
  readonly reachMs: number;
  private readonly seconds: number;
  /** counts[slot * TYPES + type] */
  private readonly counts: Uint32Array;
  /** The second of event time each slot holds; 0 when it never held one. */
  private readonly secondOf: Float64Array;

  constructor(reachMs: number = DEFAULT_REACH_MS) {
    this.reachMs = reachMs;
    this.seconds = Math.ceil((reachMs + RING_MARGIN_MS) / SECOND_MS);
    this.counts = new Uint32Array(this.seconds * TYPES);
    this.secondOf = new Float64Array(this.seconds);
  }

  /** Counts one event. An event too old for the ring is not counted: no window reaches back to it. */
  add(type: CountedType, occurredAt: number): void {
    const slot = this.claim(Math.floor(occurredAt / SECOND_MS));
    if (slot < 0) return;
    const at = slot * TYPES + COUNTED_INDEX[type];
    this.counts[at] = (this.counts[at] ?? 0) + 1;
  }

  /** Adds the counts of `other`. What a slot holds of an older second goes, as it does when events are counted one by one. */
  addAll(other: WindowCounts): void {
    for (const [from, second] of other.secondOf.entries()) {
      if (second === 0) continue;
      const slot = this.claim(second);
      if (slot < 0) continue;
      for (let type = 0; type < TYPES; type++) {
        const at = slot * TYPES + type;
        this.counts[at] = (this.counts[at] ?? 0) + (other.counts[from * TYPES + type] ?? 0);
      }
    }
  }

  /**
   * Events of a type in the `widthMs` before `asOf`. Seconds are whole, the one under way among them: on a whole second this
   * is [asOf - widthMs, asOf), so that it begins where the quarter hours of history end, and no booking falls between.
   */
  sliding(type: CountedType, asOf: number, widthMs: number): number {
    const last = Math.ceil(asOf / SECOND_MS) - 1;
    return this.sum(type, last - widthMs / SECOND_MS + 1, last);
  }

  /** Events of a type in [startAt, endAt), both on whole seconds. */
  between(type: CountedType, startAt: number, endAt: number): number {
    return this.sum(type, startAt / SECOND_MS, endAt / SECOND_MS - 1);
  }

  /** The end of the newest second that holds a count; null when none does. */
  newestAt(): number | null {
    let newest = 0;
    for (const second of this.secondOf) if (second > newest) newest = second;
    return newest === 0 ? null : (newest + 1) * SECOND_MS;
  }

  writeTo(writer: ByteWriter): void {
    writer.u32(this.secondOf.reduce((held, second) => held + (second > 0 ? 1 : 0), 0));
    for (const [slot, second] of this.secondOf.entries()) {
      if (second === 0) continue;
      writer.f64(second);
      const row = this.counts.subarray(slot * TYPES, (slot + 1) * TYPES);
      for (const count of row) writer.varint(count);
    }
  }

  /** What was written by a ring that reached further loses what this one has no room for. */
  static readFrom(reader: ByteReader, reachMs?: number): WindowCounts {
    const windows = new WindowCounts(reachMs);
    const held = reader.u32();
    for (let i = 0; i < held; i++) {
      const slot = windows.claim(reader.f64());
      for (let type = 0; type < TYPES; type++) {
        const count = reader.varint();
        if (slot >= 0) windows.counts[slot * TYPES + type] = count;
      }
    }
    return windows;
  }

  private sum(type: CountedType, first: number, last: number): number {
    const { counts, secondOf, seconds } = this;
    const index = COUNTED_INDEX[type];
    const from = Math.max(first, last - seconds + 1);
    let total = 0;
    for (let second = from, slot = this.slotOf(from); second <= last; second++) {
      if (secondOf[slot] === second) total += counts[slot * TYPES + index] ?? 0;
      slot = slot + 1 === seconds ? 0 : slot + 1;
    }
    return total;
  }

  /** The slot of a second, emptied of an older one; -1 when a newer second has taken its place. */
  private claim(second: number): number {
    const slot = this.slotOf(second);
    const held = this.secondOf[slot] ?? 0;
    if (held === second) return slot;
    if (held > second) return -1;
    this.secondOf[slot] = second;
    this.counts.fill(0, slot * TYPES, (slot + 1) * TYPES);
    return slot;
  }

  private slotOf(second: number): number {
    const { seconds } = this;
    return ((second % seconds) + seconds) % seconds;
  }
}
