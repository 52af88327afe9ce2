/**
 * What an outbox keeps in SQLite beside its batches (stored-batches.ts) and the parcels it holds (held-parcels.ts).
 *
 * Rows are what Cloudflare bills, so a row says as much as it can. A dispatch is a contiguous range of batches with the numbers
 * of the parcels they were composed into; it is written before the first of them is sent, so that they are composed the same when
 * they must be sent again, and says which dispatches before it are done. Its slot is used again once 256 newer dispatches were
 * made; the newest one stays for ever, since it knows the next number. The segment is the newest of the event log, written before
 * it leaves for the same reason; that it is there says that all before it are in the log.
 */
import type { CountedSql } from "./counted-sql.ts";
import type { StoredBatches } from "./stored-batches.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS identity (id INTEGER PRIMARY KEY CHECK (id = 1), epoch INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS dispatches (
    slot INTEGER PRIMARY KEY,
    number INTEGER NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    first_parcel INTEGER NOT NULL,
    parcels INTEGER NOT NULL
  );
  CREATE TABLE IF NOT EXISTS segment (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    sequence INTEGER NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL
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

/** A range of batches that is one segment of the event log. */
export interface SegmentRange {
  sequence: number;
  firstSeq: number;
  lastSeq: number;
}

export interface OutboxContents {
  epoch: number;
  /** Dispatches that may not be confirmed, oldest first. */
  pending: Dispatch[];
  /** The newest dispatch there ever was. */
  newest: Dispatch | null;
  /** The newest segment there ever was. */
  segment: SegmentRange | null;
  /** False when the newest segment may not be in the log. */
  segmentIsWritten: boolean;
}

export class OutboxStore {
  private readonly sql: CountedSql;

  constructor(sql: CountedSql) {
    this.sql = sql;
    sql.write(SCHEMA);
    sql.addColumn("dispatches", "done_below INTEGER NOT NULL DEFAULT 0");
  }

  /** What is stored; an outbox that is new takes `newEpoch` as its epoch. Leaves `batches` where they were. */
  load(newEpoch: number, batches: StoredBatches): OutboxContents {
    const { sql } = this;
    sql.write("INSERT INTO identity (id, epoch) VALUES (1, ?) ON CONFLICT DO NOTHING", newEpoch);
    const { epoch } = sql.read<{ epoch: number }>("SELECT epoch FROM identity").one();
    const newest = this.dispatches("ORDER BY number DESC LIMIT 1")[0] ?? null;
    // Batches are forgotten in order, and only what is done with: a first batch that is gone tells that all is done.
    const pending = this.dispatches(
      `WHERE number >= (SELECT done_below FROM dispatches ORDER BY number DESC LIMIT 1)
         AND parcels > 0 AND EXISTS (SELECT 1 FROM batches WHERE seq = first_seq) ORDER BY number`,
    );
    const segment = this.newestSegment();
    const segmentIsWritten = segment === null || !batches.has(segment.firstSeq);
    const oldestSeq = batches.oldestSeq();
    const lastSeq = Math.max(batches.newestSeq() ?? 0, newest?.lastSeq ?? 0, segment?.lastSeq ?? 0);
    const dispatchedSeq = (pending[0]?.firstSeq ?? (newest?.lastSeq ?? 0) + 1) - 1;
    const loggedSeq = segmentIsWritten ? segment?.lastSeq : segment.firstSeq - 1;
    batches.recover(lastSeq, Math.min(dispatchedSeq, loggedSeq ?? (oldestSeq ?? lastSeq + 1) - 1));
    return { epoch, pending, newest, segment, segmentIsWritten };
  }

  /** Stores a dispatch before it is sent. All dispatches with numbers below `doneBelow` are confirmed. */
  beginDispatch(dispatch: Dispatch, doneBelow: number): void {
    const { number, firstSeq, lastSeq, firstParcel, parcels } = dispatch;
    this.sql.write(
      `INSERT INTO dispatches (slot, number, first_seq, last_seq, first_parcel, parcels, done_below)
       VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (slot) DO UPDATE SET number = excluded.number, first_seq = excluded.first_seq,
         last_seq = excluded.last_seq, first_parcel = excluded.first_parcel, parcels = excluded.parcels,
         done_below = excluded.done_below`,
      number % DISPATCH_SLOTS,
      number,
      firstSeq,
      lastSeq,
      firstParcel,
      parcels,
      doneBelow,
    );
  }

  /** Stores what a segment holds before it is written; the one before it is in the log then. */
  beginSegment({ sequence, firstSeq, lastSeq }: SegmentRange): void {
    this.sql.write(
      `INSERT INTO segment (id, sequence, first_seq, last_seq) VALUES (1, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET sequence = excluded.sequence, first_seq = excluded.first_seq,
         last_seq = excluded.last_seq`,
      sequence,
      firstSeq,
      lastSeq,
    );
  }

  private newestSegment(): SegmentRange | null {
    const [row] = this.sql
      .read<{ sequence: number; first_seq: number; last_seq: number }>(
        "SELECT sequence, first_seq, last_seq FROM segment",
      )
      .toArray();
    if (!row) return null;
    return { sequence: row.sequence, firstSeq: row.first_seq, lastSeq: row.last_seq };
  }

  private dispatches(which: string): Dispatch[] {
    return this.sql
      .read<{
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
