/**
 * The reports of a shard that its root may not have, oldest first.
 *
 * Like the log's rows they take slots in turn and are written over, not deleted. A row says how far the root had them when it was
 * written, so after a restart a few go out again that the root knows, and drops.
 */
import type { Sql } from "./counted-sql.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS reports (slot INTEGER PRIMARY KEY, number INTEGER NOT NULL, told INTEGER NOT NULL, bytes BLOB NOT NULL);
`;

const SLOTS = 32;
/** A call between objects takes 32 MB. */
const MAX_CALL_BYTES = 12_000_000;

export class ShardReports {
  private readonly sql: Sql;
  private readonly pending: { number: number; bytes: Uint8Array }[] = [];
  /** Number of the last report that the root has. */
  private told = 0;
  private last = 0;

  constructor(sql: Sql) {
    this.sql = sql;
    sql.exec(SCHEMA);
    const rows = sql
      .exec<{ number: number; told: number; bytes: ArrayBuffer }>(
        "SELECT number, told, bytes FROM reports ORDER BY number",
      )
      .toArray();
    for (const { number, told, bytes } of rows) {
      this.last = number;
      this.told = Math.max(this.told, told);
      this.pending.push({ number, bytes: new Uint8Array(bytes) });
    }
    this.forgetTold();
  }

  /** True when the root must take some before more is counted: there is room for what has been counted, and no more. */
  get isFull(): boolean {
    return this.pending.length >= SLOTS - 1;
  }

  get isEmpty(): boolean {
    return this.pending.length === 0;
  }

  get next(): number {
    return this.last + 1;
  }

  /** Stores the next report. Throws RangeError when it would take the place of one that the root does not have. */
  add(bytes: Uint8Array): void {
    if (this.pending.length === SLOTS) throw new RangeError("there is no room for another report");
    this.last++;
    this.sql.exec(
      `INSERT INTO reports (slot, number, told, bytes) VALUES (?, ?, ?, ?)
       ON CONFLICT (slot) DO UPDATE SET number = excluded.number, told = excluded.told, bytes = excluded.bytes`,
      this.last % SLOTS,
      this.last,
      this.told,
      bytes,
    );
    this.pending.push({ number: this.last, bytes });
  }

  /** Brings all to the root, in order, as many in a call as it takes; rejects when a call does. */
  async tell(root: (reports: Uint8Array[]) => Promise<unknown>): Promise<void> {
    while (!this.isEmpty) {
      const call: Uint8Array[] = [];
      let upTo = this.told;
      let size = 0;
      for (const { number, bytes } of this.pending) {
        if (call.length > 0 && size + bytes.byteLength > MAX_CALL_BYTES) break;
        call.push(bytes);
        size += bytes.byteLength;
        upTo = number;
      }
      await root(call);
      this.told = Math.max(this.told, upTo);
      this.forgetTold();
    }
  }

  private forgetTold(): void {
    while ((this.pending[0]?.number ?? Number.POSITIVE_INFINITY) <= this.told) this.pending.shift();
  }
}
