/**
 * A table from 64-bit keys to one positive 32-bit number each, in typed arrays.
 *
 * Open addressing with linear probing: 12 bytes a slot and not one object, because garbage collection pauses grow with the
 * number of objects, and a region remembers every key of the last minutes. Keys must be well-mixed hashes; their low half
 * is the place in the table.
 */
import type { ByteReader, ByteWriter } from "./bytes.ts";

const SMALLEST = 64;
/** Slots per key after growing; and the share of used slots at which the table grows. */
const ROOM_PER_KEY = 2.5;
const MAX_LOAD = 0.65;

export class KeyTable {
  private high: Uint32Array;
  private low: Uint32Array;
  /** 0 marks a slot that is free. */
  private values: Uint32Array;
  private used = 0;

  constructor(expectedKeys = 0) {
    const slots = slotsFor(expectedKeys);
    this.high = new Uint32Array(slots);
    this.low = new Uint32Array(slots);
    this.values = new Uint32Array(slots);
  }

  /** Keys in the table, those below a floor and not yet swept among them. */
  get size(): number {
    return this.used;
  }

  /** The value of a key, 0 when there is none. */
  get(high: number, low: number): number {
    return this.values[this.find(high, low)] ?? 0;
  }

  /**
   * Sets the value of a key. Where the table is full, keys with values below `floor` are swept out first: the caller
   * promises not to care about those.
   */
  set(high: number, low: number, value: number, floor = 0): void {
    let slot = this.find(high, low);
    if (this.values[slot] === 0) {
      if (this.used + 1 > this.values.length * MAX_LOAD) {
        this.sweep(floor);
        slot = this.find(high, low);
      }
      this.high[slot] = high;
      this.low[slot] = low;
      this.used++;
    }
    this.values[slot] = value;
  }

  /** Forgets the keys with values below `floor`, and fits the table to what is left. */
  sweep(floor: number): void {
    const { high, low, values } = this;
    let kept = 0;
    for (const value of values) if (value !== 0 && value >= floor) kept++;
    const slots = slotsFor(kept + 1);
    this.high = new Uint32Array(slots);
    this.low = new Uint32Array(slots);
    this.values = new Uint32Array(slots);
    this.used = kept;
    for (let i = 0; i < values.length; i++) {
      const value = values[i] ?? 0;
      if (value === 0 || value < floor) continue;
      const keyHigh = high[i] ?? 0;
      const keyLow = low[i] ?? 0;
      const slot = this.find(keyHigh, keyLow);
      this.high[slot] = keyHigh;
      this.low[slot] = keyLow;
      this.values[slot] = value;
    }
  }

  /** How many keys have values of at least `floor`. */
  countFrom(floor: number): number {
    let count = 0;
    for (const value of this.values) if (value >= floor && value !== 0) count++;
    return count;
  }

  /** Appends the keys with values of at least `floor`. */
  writeTo(writer: ByteWriter, floor: number): void {
    const { high, low, values } = this;
    writer.u32(this.countFrom(floor));
    for (let i = 0; i < values.length; i++) {
      const value = values[i] ?? 0;
      if (value === 0 || value < floor) continue;
      writer.u32(high[i] ?? 0);
      writer.u32(low[i] ?? 0);
      writer.u32(value);
    }
  }

  static readFrom(reader: ByteReader): KeyTable {
    const count = reader.u32();
    const table = new KeyTable(count);
    for (let i = 0; i < count; i++) table.set(reader.u32(), reader.u32(), reader.u32());
    return table;
  }

  /** The slot that holds a key, or the free one where it would go. */
  private find(high: number, low: number): number {
    const { values } = this;
    const mask = values.length - 1;
    let slot = low & mask;
    while (values[slot] !== 0 && (this.low[slot] !== low || this.high[slot] !== high)) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }
}

function slotsFor(keys: number): number {
  let slots = SMALLEST;
  while (slots < keys * ROOM_PER_KEY) slots *= 2;
  return slots;
}
