import type { ByteReader, ByteWriter } from "./bytes.ts";
import { KeyTable } from "./key-table.ts";
import { SLICES, sliceOf } from "./slices.ts";
import { MINUTE_MS } from "./units.ts";

/** high, low, minute */
const WORDS = 3;

/**
 * Remembers the idempotency keys of a region, so that an event counts once however often it comes.
 *
 * A key is remembered until the watermark has moved on by the allowed lateness from the later of the event and its
 * arrival. A repeat that comes after that is itself late, so forgetting costs nothing but the memory it frees.
 * Forgetting goes by whole minutes, and says the same whether or not the table was swept: a region that was reloaded
 * answers as if it never had been.
 */
export class Repeats {
  private readonly table: KeyTable;

  constructor(table = new KeyTable()) {
    this.table = table;
  }

  /** True when the key is new, which it then no longer is. `seenAt` is the later of event time and watermark. */
  isFirst(keyHigh: number, keyLow: number, seenAt: number, forgetBeforeAt: number): boolean {
    return this.table.setUnlessKnown(keyHigh, keyLow, minuteOf(seenAt), minuteOf(forgetBeforeAt));
  }

  /** Keys that are remembered, those that may be forgotten and are not yet swept out among them. */
  get size(): number {
    return this.table.size;
  }

  /**
   * The keys that are not forgotten, slice by slice: what whoever judges a slice from now on has to know of it. Three words a key.
   * All slices at once, since each of them takes a walk over all keys.
   */
  bySlice(forgetBeforeAt: number): Uint32Array[] {
    const floor = minuteOf(forgetBeforeAt);
    const counts = new Uint32Array(SLICES);
    this.table.forEach(floor, (keyHigh) => {
      const slice = sliceOf({ keyHigh });
      counts[slice] = (counts[slice] ?? 0) + 1;
    });
    const slices = Array.from(counts, (keys) => new Uint32Array(keys * WORDS));
    const ends = new Uint32Array(SLICES);
    this.table.forEach(floor, (keyHigh, keyLow, minute) => {
      const slice = sliceOf({ keyHigh });
      const at = ends[slice] ?? 0;
      const words = slices[slice];
      if (!words) throw new RangeError(`there is no slice ${slice}`);
      words[at] = keyHigh;
      words[at + 1] = keyLow;
      words[at + 2] = minute;
      ends[slice] = at + WORDS;
    });
    return slices;
  }

  /** Remembers keys that `bySlice` gave as well; of a key that is known already, the later time stands. */
  addAll(keys: Uint32Array): void {
    for (let at = 0; at < keys.length; at += WORDS) {
      const keyHigh = keys[at] ?? 0;
      const keyLow = keys[at + 1] ?? 0;
      const minute = keys[at + 2] ?? 0;
      if (minute > this.table.get(keyHigh, keyLow)) this.table.set(keyHigh, keyLow, minute);
    }
  }

  writeTo(writer: ByteWriter, forgetBeforeAt: number): void {
    this.table.writeTo(writer, minuteOf(forgetBeforeAt));
  }

  static readFrom(reader: ByteReader): Repeats {
    return new Repeats(KeyTable.readFrom(reader));
  }
}

/** Never 0, which the table keeps for itself. */
function minuteOf(at: number): number {
  return Math.max(1, Math.floor(at / MINUTE_MS));
}
