/**
 * Event counts of one region by second of event time, and the windows over them.
 *
 * A ring of one-second buckets: 30 minutes back, 5 ahead for senders whose clocks are fast, and a minute between. Counting
 * commutes, so the order of events never matters, and any window is a sum of buckets: sliding windows end at the instant
 * asked for, tumbling ones lie on multiples of their width and close when the watermark passes their end.
 */
import type { ByteReader, ByteWriter } from "./bytes.ts";
import { SECOND_MS } from "./units.ts";

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
const RING_SECONDS = 36 * 60;

export class WindowCounts {
  /** counts[slot * TYPES + type] */
  private readonly counts = new Uint32Array(RING_SECONDS * TYPES);
  /** The second of event time each slot holds; 0 when it never held one. */
  private readonly secondOf = new Float64Array(RING_SECONDS);

  /** Counts one event. An event too old for the ring is not counted: no window reaches back to it. */
  add(type: CountedType, occurredAt: number): void {
    const slot = this.claim(Math.floor(occurredAt / SECOND_MS));
    if (slot < 0) return;
    const at = slot * TYPES + COUNTED_INDEX[type];
    this.counts[at] = (this.counts[at] ?? 0) + 1;
  }

  /** Adds the counts of `other`. What a slot holds of an older second goes, as it does when events are counted one by one. */
  addAll(other: WindowCounts): void {
    for (const [slot, second] of other.secondOf.entries()) {
      if (second === 0 || this.claim(second) < 0) continue;
      for (let at = slot * TYPES; at < (slot + 1) * TYPES; at++) {
        this.counts[at] = (this.counts[at] ?? 0) + (other.counts[at] ?? 0);
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

  writeTo(writer: ByteWriter): void {
    writer.u32(this.secondOf.reduce((held, second) => held + (second > 0 ? 1 : 0), 0));
    for (const [slot, second] of this.secondOf.entries()) {
      if (second === 0) continue;
      writer.f64(second);
      for (const count of this.rowOf(slot)) writer.varint(count);
    }
  }

  static readFrom(reader: ByteReader): WindowCounts {
    const windows = new WindowCounts();
    const held = reader.u32();
    for (let i = 0; i < held; i++) {
      const slot = windows.claim(reader.f64());
      for (let type = 0; type < TYPES; type++)
        windows.counts[slot * TYPES + type] = reader.varint();
    }
    return windows;
  }

  private sum(type: CountedType, first: number, last: number): number {
    const index = COUNTED_INDEX[type];
    const from = Math.max(first, last - RING_SECONDS + 1);
    let total = 0;
    for (let second = from, slot = slotOf(from); second <= last; second++) {
      if (this.secondOf[slot] === second) total += this.counts[slot * TYPES + index] ?? 0;
      slot = slot + 1 === RING_SECONDS ? 0 : slot + 1;
    }
    return total;
  }

  /** The slot of a second, emptied of an older one; -1 when a newer second has taken its place. */
  private claim(second: number): number {
    const slot = slotOf(second);
    const held = this.secondOf[slot] ?? 0;
    if (held === second) return slot;
    if (held > second) return -1;
    this.secondOf[slot] = second;
    this.rowOf(slot).fill(0);
    return slot;
  }

  private rowOf(slot: number): Uint32Array {
    return this.counts.subarray(slot * TYPES, (slot + 1) * TYPES);
  }
}

function slotOf(second: number): number {
  return ((second % RING_SECONDS) + RING_SECONDS) % RING_SECONDS;
}
