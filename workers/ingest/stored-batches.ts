import type { CountedSql } from "./counted-sql.ts";

const SCHEMA = "CREATE TABLE IF NOT EXISTS batches (seq INTEGER PRIMARY KEY, bytes BLOB NOT NULL)";

/** Forgotten rows that wait to be used again, beside twice as many as are in use. */
const SPARE_ROWS = 256;
/** What is deleted at a time: freeing a row's pages takes about as long as writing them. */
const TIDIED_ROWS = 2_000;
const TIDIED_BYTES = 16 * 1024 * 1024;

export interface StoredStretch {
  /** Of the last batch read. */
  lastSeq: number;
  batches: Uint8Array[];
}

/**
 * What was appended, one row a group commit, until it is forgotten.
 *
 * Batches are forgotten in their order, and a row that is forgotten is the next to be written over: so a batch costs one row
 * written, not one and another for its deletion. Only a quiet outbox deletes.
 */
export class StoredBatches {
  /** The newest batch there ever was; 0 before the first. */
  lastSeq = 0;
  /** This one and all before it are forgotten. */
  forgottenSeq = 0;
  /** Of batches that are not forgotten. */
  bytes = 0;
  private spareRows = 0;
  private readonly sql: CountedSql;

  constructor(sql: CountedSql) {
    this.sql = sql;
    sql.write(SCHEMA);
  }

  /** The oldest row there is, forgotten or not; null without any. */
  oldestSeq(): number | null {
    return this.sql.read<{ seq: number | null }>("SELECT min(seq) AS seq FROM batches").one().seq;
  }

  newestSeq(): number | null {
    return this.sql.read<{ seq: number | null }>("SELECT max(seq) AS seq FROM batches").one().seq;
  }

  has(seq: number): boolean {
    return this.sql.read("SELECT 1 FROM batches WHERE seq = ?", seq).toArray().length > 0;
  }

  /** Takes up where an earlier life was. */
  recover(lastSeq: number, forgottenSeq: number): void {
    this.lastSeq = lastSeq;
    this.forgottenSeq = forgottenSeq;
    this.bytes = this.measure(forgottenSeq + 1, lastSeq).bytes;
    this.spareRows = this.sql
      .read<{ n: number }>("SELECT count(*) AS n FROM batches WHERE seq <= ?", forgottenSeq)
      .one().n;
  }

  append(bytes: Uint8Array): void {
    const seq = this.lastSeq + 1;
    if (this.spareRows > 0) {
      this.sql.write(
        "UPDATE batches SET seq = ?, bytes = ? WHERE seq = (SELECT min(seq) FROM batches)",
        seq,
        bytes,
      );
      this.spareRows--;
    } else {
      this.sql.write("INSERT INTO batches (seq, bytes) VALUES (?, ?)", seq, bytes);
    }
    this.lastSeq = seq;
    this.bytes += bytes.byteLength;
  }

  /** The batches from `fromSeq` to `toSeq`, oldest first, up to and including the one that reaches `mostBytes`. */
  read(fromSeq: number, toSeq: number, mostBytes = Number.POSITIVE_INFINITY): StoredStretch {
    const batches: Uint8Array[] = [];
    let lastSeq = fromSeq - 1;
    let size = 0;
    const rows = this.sql.read<{ seq: number; bytes: ArrayBuffer }>(
      "SELECT seq, bytes FROM batches WHERE seq BETWEEN ? AND ? ORDER BY seq",
      fromSeq,
      toSeq,
    );
    for (const { seq, bytes } of rows) {
      batches.push(new Uint8Array(bytes));
      lastSeq = seq;
      size += bytes.byteLength;
      if (size >= mostBytes) break;
    }
    return { lastSeq, batches };
  }

  /** The ends and the size of a stretch of batches from `fromSeq` on that reaches `mostBytes`, or all of them; null without any. */
  stretch(
    fromSeq: number,
    mostBytes: number,
  ): { firstSeq: number; lastSeq: number; bytes: number } | null {
    let found: { firstSeq: number; lastSeq: number; bytes: number } | null = null;
    const rows = this.sql.read<{ seq: number; size: number }>(
      "SELECT seq, length(bytes) AS size FROM batches WHERE seq >= ? ORDER BY seq",
      fromSeq,
    );
    for (const { seq, size } of rows) {
      found ??= { firstSeq: seq, lastSeq: seq, bytes: 0 };
      found.lastSeq = seq;
      found.bytes += size;
      if (found.bytes >= mostBytes) break;
    }
    return found;
  }

  /** How many batches there are from `fromSeq` to `toSeq`, and how large. */
  measure(fromSeq: number, toSeq: number): { count: number; bytes: number } {
    return this.sql
      .read<{ count: number; bytes: number }>(
        `SELECT count(*) AS count, coalesce(sum(length(bytes)), 0) AS bytes
         FROM batches WHERE seq BETWEEN ? AND ?`,
        fromSeq,
        toSeq,
      )
      .one();
  }

  /** Batches that are not forgotten. */
  get count(): number {
    return this.lastSeq - this.forgottenSeq;
  }

  /** Forgets everything up to `seq`: those rows may be written over. */
  forgetThrough(seq: number): void {
    if (seq <= this.forgottenSeq) return;
    const { count, bytes } = this.measure(this.forgottenSeq + 1, seq);
    this.bytes -= bytes;
    this.spareRows += count;
    this.forgottenSeq = seq;
  }

  /** Deletes rows that nobody will need soon, a bounded number at a time; all that are forgotten when nothing else is stored. */
  tidy(): void {
    const kept = this.count === 0 ? 0 : 2 * this.count + SPARE_ROWS;
    const surplus = Math.min(this.spareRows - kept, TIDIED_ROWS);
    if (surplus <= 0) return;
    let through = 0;
    let rows = 0;
    let size = 0;
    for (const row of this.sql.read<{ seq: number; bytes: number }>(
      "SELECT seq, length(bytes) AS bytes FROM batches ORDER BY seq LIMIT ?",
      surplus,
    )) {
      through = row.seq;
      rows++;
      size += row.bytes;
      if (size >= TIDIED_BYTES) break;
    }
    this.sql.write("DELETE FROM batches WHERE seq <= ?", through);
    this.spareRows -= rows;
  }
}
