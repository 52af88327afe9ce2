/**
 * How a region's state is kept in SQLite: a checkpoint, and the log of what came since.
 *
 * Rows are what Cloudflare bills, so what arrives together is one row, whatever the number of events. Log rows take 256
 * slots in turn: the checkpoint that comes before the slots are used up makes the old ones worthless, and they are written over,
 * not deleted, because deleting is billed as well.
 */
import type { Sql } from "./counted-sql.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS checkpoint (part INTEGER PRIMARY KEY, seq INTEGER NOT NULL, bytes BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS arrivals (slot INTEGER PRIMARY KEY, seq INTEGER NOT NULL, bytes BLOB NOT NULL);
`;

const SLOTS = 256;
/** Cloudflare takes values of up to 2 MB. */
export const MAX_LOG_ROW_BYTES = 1_500_000;
/** A checkpoint comes once the log has outgrown the last one, so that what is written stays in proportion to what arrives. */
const MIN_LOG_BYTES = 1_000_000;

export interface RegionRecord {
  checkpoint: Uint8Array | null;
  /** Rows of the log since the checkpoint, oldest first. */
  rows: Uint8Array[];
}

export class RegionLog {
  private readonly sql: Sql;
  private seq = 0;
  private rowsSince = 0;
  private bytesSince = 0;
  private checkpointBytes = 0;

  constructor(sql: Sql) {
    this.sql = sql;
    sql.exec(SCHEMA);
  }

  /** Everything the state is made from. */
  load(): RegionRecord {
    const parts = this.sql
      .exec<{ seq: number; bytes: ArrayBuffer }>("SELECT seq, bytes FROM checkpoint ORDER BY part")
      .toArray();
    const since = parts[0]?.seq ?? 0;
    const rows = this.sql
      .exec<{ seq: number; bytes: ArrayBuffer }>(
        "SELECT seq, bytes FROM arrivals WHERE seq > ? ORDER BY seq",
        since,
      )
      .toArray();
    this.seq = rows.at(-1)?.seq ?? since;
    this.rowsSince = rows.length;
    this.bytesSince = rows.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
    const checkpoint = parts.length === 0 ? null : joined(parts.map(({ bytes }) => bytes));
    this.checkpointBytes = checkpoint?.byteLength ?? 0;
    return { checkpoint, rows: rows.map(({ bytes }) => new Uint8Array(bytes)) };
  }

  /** True when `more` bytes do not fit into the log, and a checkpoint has to be written in their place. */
  isDue(more: number): boolean {
    const rows = this.rowsSince + 1 + Math.ceil((2 * more) / MAX_LOG_ROW_BYTES);
    const bytes = this.bytesSince + more;
    return rows > SLOTS || bytes > Math.max(MIN_LOG_BYTES, this.checkpointBytes);
  }

  /** Writes one row of the log. */
  append(bytes: Uint8Array): void {
    this.seq++;
    this.rowsSince++;
    this.bytesSince += bytes.byteLength;
    this.sql.exec(
      `INSERT INTO arrivals (slot, seq, bytes) VALUES (?, ?, ?)
       ON CONFLICT (slot) DO UPDATE SET seq = excluded.seq, bytes = excluded.bytes`,
      this.seq % SLOTS,
      this.seq,
      bytes,
    );
  }

  /** Writes the whole state, which everything logged until now is part of. */
  checkpoint(bytes: Uint8Array): void {
    const parts = Math.max(1, Math.ceil(bytes.byteLength / MAX_LOG_ROW_BYTES));
    for (let part = 0; part < parts; part++) {
      this.sql.exec(
        `INSERT INTO checkpoint (part, seq, bytes) VALUES (?, ?, ?)
         ON CONFLICT (part) DO UPDATE SET seq = excluded.seq, bytes = excluded.bytes`,
        part,
        this.seq,
        bytes.subarray(part * MAX_LOG_ROW_BYTES, (part + 1) * MAX_LOG_ROW_BYTES),
      );
    }
    this.sql.exec("DELETE FROM checkpoint WHERE part >= ?", parts);
    this.rowsSince = 0;
    this.bytesSince = 0;
    this.checkpointBytes = bytes.byteLength;
  }

  /** Forgets everything that the state is made from. */
  clear(): void {
    this.sql.exec("DELETE FROM checkpoint");
    this.sql.exec("DELETE FROM arrivals");
  }
}

function joined(parts: readonly ArrayBuffer[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(new Uint8Array(part), at);
    at += part.byteLength;
  }
  return whole;
}
