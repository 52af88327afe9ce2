import type { ByteReader, ByteWriter } from "./bytes.ts";
import { KeyTable } from "./key-table.ts";
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
    const floor = minuteOf(forgetBeforeAt);
    const known = this.table.get(keyHigh, keyLow);
    if (known !== 0 && known >= floor) return false;
    this.table.set(keyHigh, keyLow, minuteOf(seenAt), floor);
    return true;
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
