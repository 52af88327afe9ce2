/** Late events in D1. */
import { and, desc, eq, gte, lt, or, type SQL, sql } from "drizzle-orm";
import type { LateEvents } from "../../../contract/late-events.ts";
import { EventCursor } from "../../../contract/packed-events.ts";
import { hashText } from "../../../contract/readable-events.ts";
import type { EdgeDatabase } from "../decision-store.ts";
import { isBehind, type Place } from "../keyset.ts";
import { lateEvents } from "../schema.ts";

/** Writes the events of some messages; those that are there already stay as they are. All of them, or it throws. */
export async function keepLateEvents(
  database: EdgeDatabase,
  messages: readonly LateEvents[],
  now: number,
): Promise<void> {
  const [first, ...others] = messages.map((message) => insertOf(database, message, now));
  if (first) await database.batch([first, ...others]);
}

/** One statement for any number of rows: D1 takes 100 parameters a statement, these are four. */
function insertOf(database: EdgeDatabase, message: LateEvents, now: number) {
  const field = (place: number) => sql`value ->> ${sql.raw(`'$[${place}]'`)}`;
  // In the order of the table's columns. Without WHERE, SQLite takes ON CONFLICT for part of a join.
  const rows = sql`
    SELECT
      ${field(0)}, ${message.regionId}, ${field(1)}, ${field(2)}, ${message.arrivedAt},
      ${field(3)}, ${field(4)}, ${field(5)}, ${field(6)}, ${field(7)}, ${now}
    FROM json_each(${rowsText(message)}) WHERE true`;
  return database.insert(lateEvents).select(rows).onConflictDoNothing();
}

/** The events as a JSON array of arrays: D1 takes values of 2 MB, and names would be most of it. */
function rowsText({ id, regionId, events }: LateEvents): string {
  const rows: unknown[] = [];
  const cursor = new EventCursor(regionId, events);
  while (cursor.next()) {
    const { eventType, occurredAt, keyHigh, keyLow, userHigh, userLow } = cursor;
    const place = String(rows.length).padStart(4, "0");
    rows.push([
      ...[`${id}/${place}`, eventType, occurredAt, hashText(keyHigh, keyLow)],
      userHigh === 0 && userLow === 0 ? null : hashText(userHigh, userLow),
      ...[cursor.productType, cursor.quantity, cursor.metadata || "{}"],
    ]);
  }
  return JSON.stringify(rows);
}

export interface LateSelection {
  region_id?: string | undefined;
  since?: number | undefined;
  until?: number | undefined;
}

export type LateRow = typeof lateEvents.$inferSelect;

/** A page of late events, the newest first, from behind `after`. */
export async function listLateEvents(
  database: EdgeDatabase,
  selection: LateSelection,
  after: Place | null,
  limit: number,
): Promise<LateRow[]> {
  const behind = isBehind(after, lateEvents.arrivedAt, lateEvents.id);
  return database
    .select()
    .from(lateEvents)
    .where(and(isMeant(selection), behind))
    .orderBy(desc(lateEvents.arrivedAt), desc(lateEvents.id))
    .limit(limit);
}

export interface LateCount {
  regionId: string;
  events: number;
  meanLateByMs: number;
  maxLateByMs: number;
}

const MAX_REGIONS = 200;

/** How many there are by region, and how late they were; the regions with most of them first. */
export async function countLateEvents(
  database: EdgeDatabase,
  selection: LateSelection,
): Promise<LateCount[]> {
  const events = sql<number>`count(*)`;
  return database
    .select({
      regionId: lateEvents.regionId,
      events,
      meanLateByMs: sql<number>`avg(arrived_at - occurred_at)`,
      maxLateByMs: sql<number>`max(arrived_at - occurred_at)`,
    })
    .from(lateEvents)
    .where(isMeant(selection))
    .groupBy(lateEvents.regionId)
    .orderBy(desc(events), lateEvents.regionId)
    .limit(MAX_REGIONS);
}

/** Forgets what was stored before an instant, and what is more than `maxEvents`, the oldest first; tells how many. */
export async function trimLateEvents(
  database: EdgeDatabase,
  keptSince: number,
  maxEvents: number,
): Promise<number> {
  const tooMany = sql`stored_at <= (
    SELECT stored_at FROM late_events ORDER BY stored_at DESC LIMIT 1 OFFSET ${maxEvents}
  )`;
  const gone = await database
    .delete(lateEvents)
    .where(or(lt(lateEvents.storedAt, keptSince), tooMany));
  return gone.meta.changes;
}

function isMeant({ region_id, since, until }: LateSelection): SQL | undefined {
  return and(
    region_id ? eq(lateEvents.regionId, region_id) : undefined,
    since === undefined ? undefined : gte(lateEvents.arrivedAt, since),
    until === undefined ? undefined : lt(lateEvents.arrivedAt, until),
  );
}
