/**
 * What an outbox keeps in SQLite.
 *
 * Rows are what Cloudflare bills, so a row holds many requests: `batches` gets one per group commit, and loses them by range.
 * A dispatch is a contiguous range of batches with the numbers of the parcels they were composed into; it is written before the
 * first of them is sent, so that they are composed the same when they must be sent again. Its slot is used again once 256
 * newer dispatches were made; the newest one stays for ever, since it knows the next number.
 */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS identity (id INTEGER PRIMARY KEY CHECK (id = 1), epoch INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS batches (seq INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS dispatches (
    slot INTEGER PRIMARY KEY,
    number INTEGER NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    first_parcel INTEGER NOT NULL,
    parcels INTEGER NOT NULL
  );
`;

/** More dispatches than this are never pending at a time. */
export const DISPATCH_SLOTS = 256;

export interface Dispatch {
  number: number;
  firstSeq: number;
  lastSeq: number;
  firstParcel: number;
  parcels: number;
}

export interface StoredBatch {
  seq: number;
  bytes: Uint8Array;
}

export interface OutboxContents {
  epoch: number;
  storedBytes: number;
  /** The newest batch there ever was; 0 before the first. */
  lastSeq: number;
  /** Dispatches with batches that are still stored, oldest first. */
  pending: Dispatch[];
  /** The newest dispatch there ever was. */
  newest: Dispatch | null;
}

export class OutboxStore {
  private readonly sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.sql = sql;
    sql.exec(SCHEMA);
  }

  /** What is stored; an outbox that is new takes `newEpoch` as its epoch. */
  load(newEpoch: number): OutboxContents {
    const { sql } = this;
    sql.exec("INSERT INTO identity (id, epoch) VALUES (1, ?) ON CONFLICT DO NOTHING", newEpoch);
    const { epoch } = sql.exec<{ epoch: number }>("SELECT epoch FROM identity").one();
    const { bytes, last } = sql
      .exec<{ bytes: number; last: number }>(
        "SELECT coalesce(sum(length(bytes)), 0) AS bytes, coalesce(max(seq), 0) AS last FROM batches",
      )
      .one();
    const newest = this.dispatches("ORDER BY number DESC LIMIT 1")[0] ?? null;
    return {
      epoch,
      storedBytes: bytes,
      lastSeq: Math.max(last, newest?.lastSeq ?? 0),
      // Batches go by whole dispatches, so the first of its batches tells whether a dispatch is still pending.
      pending: this.dispatches(
        "WHERE EXISTS (SELECT 1 FROM batches WHERE seq = first_seq) ORDER BY number",
      ),
      newest,
    };
  }

  append(seq: number, bytes: Uint8Array): void {
    this.sql.exec("INSERT INTO batches (seq, bytes) VALUES (?, ?)", seq, bytes);
  }

  /** The batches from `fromSeq` to `toSeq`, oldest first, up to and including the one that reaches `mostBytes`. */
  read(fromSeq: number, toSeq: number, mostBytes = Number.POSITIVE_INFINITY): StoredBatch[] {
    const read: StoredBatch[] = [];
    let size = 0;
    const rows = this.sql.exec<{ seq: number; bytes: ArrayBuffer }>(
      "SELECT seq, bytes FROM batches WHERE seq BETWEEN ? AND ? ORDER BY seq",
      fromSeq,
      toSeq,
    );
    for (const { seq, bytes } of rows) {
      read.push({ seq, bytes: new Uint8Array(bytes) });
      size += bytes.byteLength;
      if (size >= mostBytes) break;
    }
    return read;
  }

  /** Bytes of the batches of a dispatch. */
  sizeOf({ firstSeq, lastSeq }: Dispatch): number {
    return this.sql
      .exec<{ bytes: number }>(
        "SELECT coalesce(sum(length(bytes)), 0) AS bytes FROM batches WHERE seq BETWEEN ? AND ?",
        firstSeq,
        lastSeq,
      )
      .one().bytes;
  }

  begin({ number, firstSeq, lastSeq, firstParcel, parcels }: Dispatch): void {
    this.sql.exec(
      `INSERT INTO dispatches (slot, number, first_seq, last_seq, first_parcel, parcels)
       VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (slot) DO UPDATE SET number = excluded.number, first_seq = excluded.first_seq,
         last_seq = excluded.last_seq, first_parcel = excluded.first_parcel, parcels = excluded.parcels`,
      number % DISPATCH_SLOTS,
      number,
      firstSeq,
      lastSeq,
      firstParcel,
      parcels,
    );
  }

  /** Forgets the batches of a dispatch whose parcels are all confirmed. */
  finish({ firstSeq, lastSeq }: Dispatch): void {
    this.sql.exec("DELETE FROM batches WHERE seq BETWEEN ? AND ?", firstSeq, lastSeq);
  }

  private dispatches(which: string): Dispatch[] {
    return this.sql
      .exec<{
        number: number;
        first_seq: number;
        last_seq: number;
        first_parcel: number;
        parcels: number;
      }>(`SELECT number, first_seq, last_seq, first_parcel, parcels FROM dispatches ${which}`)
      .toArray()
      .map((row) => ({
        number: row.number,
        firstSeq: row.first_seq,
        lastSeq: row.last_seq,
        firstParcel: row.first_parcel,
        parcels: row.parcels,
      }));
  }
}
