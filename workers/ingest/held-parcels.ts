import { setLowWater } from "../../contract/parcel.ts";

const SCHEMA =
  "CREATE TABLE IF NOT EXISTS held (number INTEGER PRIMARY KEY, message BLOB NOT NULL)";

/** How many are sent at a time, and after which wall time again. */
const SENT_AT_ONCE = 100;
const RESEND_AFTER_MS = 60_000;

/**
 * Parcels that their regions do not take while other regions take theirs.
 *
 * They leave their dispatches, so that a region that is broken holds up nobody else, and are sent once a minute until it takes
 * them, each under the number it has.
 */
export class HeldParcels {
  bytes = 0;
  private readonly sql: SqlStorage;
  private readonly sizes = new Map<number, number>();
  private dueAt = Number.NEGATIVE_INFINITY;

  constructor(sql: SqlStorage) {
    this.sql = sql;
    sql.exec(SCHEMA);
    const rows = sql.exec<{ number: number; size: number }>(
      "SELECT number, length(message) AS size FROM held ORDER BY number",
    );
    for (const { number, size } of rows) this.note(number, size);
  }

  /** The lowest number held; infinity when none is. */
  get lowest(): number {
    for (const number of this.sizes.keys()) return number;
    return Number.POSITIVE_INFINITY;
  }

  /** Numbers come in ascending order. */
  hold(number: number, message: Uint8Array): void {
    this.sql.exec("INSERT INTO held (number, message) VALUES (?, ?)", number, message);
    this.note(number, message.byteLength);
  }

  /** Forgets those of `numbers` that are held; more are due then, since their region takes parcels again. */
  confirm(numbers: readonly number[]): void {
    for (const number of numbers) {
      const size = this.sizes.get(number);
      if (size === undefined) continue;
      this.sql.exec("DELETE FROM held WHERE number = ?", number);
      this.sizes.delete(number);
      this.bytes -= size;
      this.dueAt = Number.NEGATIVE_INFINITY;
    }
  }

  /** The messages to send now, the oldest first; none before they are due again. */
  takeDue(wallNow: number, lowWater: number): Uint8Array<ArrayBuffer>[] {
    if (this.sizes.size === 0 || this.dueAt > wallNow) return [];
    this.dueAt = wallNow + RESEND_AFTER_MS;
    return this.sql
      .exec<{ message: ArrayBuffer }>(
        "SELECT message FROM held ORDER BY number LIMIT ?",
        SENT_AT_ONCE,
      )
      .toArray()
      .map(({ message }) => setLowWater(new Uint8Array(message), lowWater));
  }

  private note(number: number, size: number): void {
    this.sizes.set(number, size);
    this.bytes += size;
  }
}
