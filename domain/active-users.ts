import type { ByteReader, ByteWriter } from "./bytes.ts";
import { KeyTable } from "./key-table.ts";
import { MINUTE_MS, SECOND_MS } from "./units.ts";

/** A session ends when its user was not seen for this long. */
export const SESSION_GAP_MS = 30 * MINUTE_MS;

/** When each hashed user was last seen, to the second. */
export class ActiveUsers {
  private readonly table: KeyTable;

  constructor(table = new KeyTable()) {
    this.table = table;
  }

  /** Notes a user at `occurredAt`. `now`, the event clock, decides whose session may be forgotten. */
  see(userHigh: number, userLow: number, occurredAt: number, now: number): void {
    const second = Math.max(1, Math.floor(occurredAt / SECOND_MS));
    if (this.table.get(userHigh, userLow) >= second) return;
    this.table.set(userHigh, userLow, second, oldestSecond(now));
  }

  /** Users whose session is open at `asOf`. A user whose clock runs ahead counts as being here now. */
  countAt(asOf: number): number {
    return this.table.countFrom(oldestSecond(asOf));
  }

  writeTo(writer: ByteWriter, now: number): void {
    this.table.writeTo(writer, oldestSecond(now));
  }

  static readFrom(reader: ByteReader): ActiveUsers {
    return new ActiveUsers(KeyTable.readFrom(reader));
  }
}

/** The first second of the sessions that are open at `asOf`. */
function oldestSecond(asOf: number): number {
  return Math.max(1, Math.floor((asOf - SESSION_GAP_MS) / SECOND_MS) + 1);
}
