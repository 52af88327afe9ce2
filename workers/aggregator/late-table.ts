import { MAX_LATE_EVENT_BYTES } from "../../contract/late-events.ts";
import { EventCursor } from "../../contract/packed-events.ts";
import type { EpochMs, RegionId } from "../../domain/units.ts";
import type { Sql } from "./counted-sql.ts";

const SCHEMA =
  "CREATE TABLE IF NOT EXISTS late (id INTEGER PRIMARY KEY, arrived_at INTEGER NOT NULL, bytes BLOB NOT NULL)";

/** Beyond either the oldest rows go: their events are in the event log still, and counted under `late`. */
const MAX_ROWS = 1_000;
const MAX_BYTES = 16 * 1024 * 1024;
/** A row that was sent and is not confirmed is sent again after this, twice as late each time up to the most. Wall time. */
const RESEND_AFTER_MS = 60_000;
const MAX_RESEND_AFTER_MS = 3_600_000;

/** A row that is to be sent. */
export interface LateRow {
  row: number;
  arrivedAt: EpochMs;
  events: Uint8Array;
}

interface Waiting {
  byteLength: number;
  /** Wall clock. */
  dueAt: number;
  sends: number;
}

/**
 * Late events of a region until they are stored elsewhere: the way to its side output.
 *
 * A row's number never comes again although confirmed rows are deleted: whoever puts rows keeps the highest there was.
 */
export class LateTable {
  private readonly sql: Sql;
  /** By row number, oldest first. */
  private readonly waiting = new Map<number, Waiting>();
  private newest = 0;
  private bytes = 0;
  private droppedEvents = 0;

  constructor(sql: Sql) {
    this.sql = sql;
    sql.exec(SCHEMA);
    const rows = sql.exec<{ id: number; size: number }>(
      "SELECT id, length(bytes) AS size FROM late ORDER BY id",
    );
    for (const { id, size } of rows) this.note(id, size);
  }

  /** Rows that are not confirmed. */
  get depth(): number {
    return this.waiting.size;
  }

  /**
   * Puts packed events aside that arrived at `arrivedAt` (event clock), in rows with numbers above `after`. Returns the highest
   * number there is then. Throws RangeError where the bytes end within an event.
   */
  put(events: Uint8Array, arrivedAt: EpochMs, after: number): number {
    let row = Math.max(this.newest, after);
    for (const bytes of stretchesOf(events)) {
      row++;
      this.sql.exec(
        "INSERT INTO late (id, arrived_at, bytes) VALUES (?, ?, ?)",
        row,
        arrivedAt,
        bytes,
      );
      this.note(row, bytes.byteLength);
    }
    while (this.waiting.size > MAX_ROWS || this.bytes > MAX_BYTES) this.dropOldest();
    return row;
  }

  /** The rows to send now, oldest first; they are not due again for a while. */
  takeDue(wallNow: number, most: number): LateRow[] {
    const due: LateRow[] = [];
    for (const [row, waiting] of this.waiting) {
      if (due.length === most) break;
      if (waiting.dueAt > wallNow) continue;
      const after = Math.min(MAX_RESEND_AFTER_MS, RESEND_AFTER_MS * 2 ** waiting.sends++);
      waiting.dueAt = wallNow + after;
      due.push(this.read(row));
    }
    return due;
  }

  /** When the next row is due, by the wall clock; null when none waits. */
  get nextDueAt(): number | null {
    let next: number | null = null;
    for (const { dueAt } of this.waiting.values()) next = Math.min(next ?? dueAt, dueAt);
    return next;
  }

  /** Forgets rows that are stored elsewhere; unknown ones are ignored. */
  confirm(rows: readonly number[]): void {
    for (const row of rows) this.delete(row);
  }

  /** Events that the bounds dropped since the last call. */
  takeDropped(): number {
    const { droppedEvents } = this;
    this.droppedEvents = 0;
    return droppedEvents;
  }

  private note(row: number, byteLength: number): void {
    this.waiting.set(row, { byteLength, dueAt: Number.NEGATIVE_INFINITY, sends: 0 });
    this.newest = row;
    this.bytes += byteLength;
  }

  private read(row: number): LateRow {
    const { arrived_at, bytes } = this.sql
      .exec<{ arrived_at: number; bytes: ArrayBuffer }>(
        "SELECT arrived_at, bytes FROM late WHERE id = ?",
        row,
      )
      .one();
    return { row, arrivedAt: arrived_at as EpochMs, events: new Uint8Array(bytes) };
  }

  private dropOldest(): void {
    const [oldest] = this.waiting.keys();
    if (oldest === undefined) return;
    for (const cursor = cursorOver(this.read(oldest).events); cursor.next(); ) this.droppedEvents++;
    this.delete(oldest);
  }

  private delete(row: number): void {
    const waiting = this.waiting.get(row);
    if (!waiting) return;
    this.sql.exec("DELETE FROM late WHERE id = ?", row);
    this.waiting.delete(row);
    this.bytes -= waiting.byteLength;
  }
}

/** Packed events, cut between events where they are too many for one message. */
function* stretchesOf(events: Uint8Array): Generator<Uint8Array> {
  let from = 0;
  for (const cursor = cursorOver(events); cursor.next(); ) {
    if (cursor.endAt - from <= MAX_LATE_EVENT_BYTES) continue;
    yield events.subarray(from, cursor.startAt);
    from = cursor.startAt;
  }
  if (from < events.byteLength) yield events.subarray(from);
}

/** Which region they are of does not matter to where they begin and end. */
function cursorOver(events: Uint8Array): EventCursor {
  return new EventCursor("" as RegionId, events);
}
