import { type ByteReader, ByteWriter } from "./bytes.ts";
import { KeyTable } from "./key-table.ts";
import { sliceOf } from "./slices.ts";
import { MINUTE_MS } from "./units.ts";

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

  /** Appends the keys of one slice that are not forgotten: what whoever judges that slice from now on has to know. */
  writeSlice(writer: ByteWriter, forgetBeforeAt: number, slice: number): void {
    const floor = minuteOf(forgetBeforeAt);
    const keys = new ByteWriter();
    let count = 0;
    this.table.forEach(floor, (keyHigh, keyLow, minute) => {
      if (sliceOf({ keyHigh }) !== slice) return;
      count++;
      keys.u32(keyHigh);
      keys.u32(keyLow);
      keys.u32(minute);
    });
    writer.u32(count);
    writer.bytes(keys.written());
  }

  /** Remembers the keys that `writeSlice` wrote as well; of a key that is known already, the later time stands. */
  addFrom(reader: ByteReader): void {
    for (let left = reader.u32(); left > 0; left--) {
      const keyHigh = reader.u32();
      const keyLow = reader.u32();
      const minute = reader.u32();
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
