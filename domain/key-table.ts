/** A table from 64-bit keys to one positive 32-bit number each: 12 bytes a slot, 17 to 34 a key. */
import type { ByteReader, ByteWriter } from "./bytes.ts";
import { SlotTable } from "./slot-table.ts";

/** high, low, value */
const WIDTH = 3;

export class KeyTable {
  private readonly table: SlotTable;

  constructor(expectedKeys = 0) {
    this.table = new SlotTable(WIDTH, expectedKeys);
  }

  /** Keys in the table, those below a floor and not yet swept among them. */
  get size(): number {
    return this.table.size;
  }

  get byteLength(): number {
    return this.table.byteLength;
  }

  /** The value of a key, 0 when there is none. */
  get(high: number, low: number): number {
    const { words, mask } = this.table.segmentOf(low);
    let at = (low & mask) * WIDTH;
    for (;;) {
      const value = words[at + 2] as number;
      if (value === 0 || (words[at + 1] === low && words[at] === high)) return value;
      at += WIDTH;
      if (at === words.length) at = 0;
    }
  }

  /**
   * Sets the value of a key. Where there is no room, keys with values below `floor` are swept out: the caller promises not
   * to care about those.
   */
  set(high: number, low: number, value: number, floor = 0): void {
    this.raise(high, low, value, floor, Number.POSITIVE_INFINITY);
  }

  /** Sets the value of a key that is not in the table with a value of at least `floor`; true when it did. */
  setUnlessKnown(high: number, low: number, value: number, floor: number): boolean {
    return this.raise(high, low, value, floor, floor);
  }

  /** How many keys have values of at least `floor`. */
  countFrom(floor: number): number {
    let count = 0;
    this.table.forEach(floor, () => count++);
    return count;
  }

  /** Calls `visit` with each key whose value is at least `floor`, in no order. */
  forEach(floor: number, visit: (high: number, low: number, value: number) => void): void {
    this.table.forEach(floor, (words, at) => {
      visit(words[at] ?? 0, words[at + 1] ?? 0, words[at + 2] ?? 0);
    });
  }

  /** Appends the keys with values of at least `floor`. */
  writeTo(writer: ByteWriter, floor: number): void {
    writer.u32(this.countFrom(floor));
    this.forEach(floor, (high, low, value) => {
      writer.u32(high);
      writer.u32(low);
      writer.u32(value);
    });
  }

  static readFrom(reader: ByteReader): KeyTable {
    const count = reader.u32();
    const table = new KeyTable(count);
    for (let i = 0; i < count; i++) table.set(reader.u32(), reader.u32(), reader.u32());
    return table;
  }

  /** Sets the value of a key whose value is below `unlessFrom`; false when it is not. */
  private raise(high: number, low: number, value: number, floor: number, unlessFrom: number) {
    const { table } = this;
    let segment = table.segmentOf(low);
    let { words } = segment;
    let at = (low & segment.mask) * WIDTH;
    for (;;) {
      const known = words[at + 2] as number;
      if (known === 0) break;
      if (words[at + 1] === low && words[at] === high) {
        if (known >= unlessFrom) return false;
        words[at + 2] = value;
        return true;
      }
      at += WIDTH;
      if (at === words.length) at = 0;
    }
    if (table.isFull(segment)) {
      segment = table.roomIn(low, floor);
      words = segment.words;
      at = table.freeSlot(segment, low);
    }
    words[at] = high;
    words[at + 1] = low;
    words[at + 2] = value;
    table.added(segment);
    return true;
  }
}
