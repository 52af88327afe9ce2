/**
 * The decision log: the queue writes it, explanations and the audit read it.
 *
 * A decision has a row in D1 to be found by. Its record, of some 4 KB, lies in a segment in R2, which the origin takes whole: docs/decisions/0012.
 */
import { eq, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { LoggedDecision } from "../../contract/decision-log.ts";
import type { DecisionRecord } from "./decision-log.ts";
import { type ComposedSegment, composeSegment } from "./decisions/compose-segment.ts";
import type { SegmentStore } from "./decisions/segment-store.ts";
import { decisionSegments, decisions } from "./schema.ts";

export type EdgeDatabase = DrizzleD1Database;

export interface DecisionStores {
  database: EdgeDatabase;
  segments: SegmentStore;
}

/** Rows of about 400 bytes; D1 takes parameters of 2 MB. */
const ROWS_PER_STATEMENT = 2_000;

/**
 * Writes decisions: a segment first, then its number and a row for each decision that has none yet, all of it or it throws. A row that is there
 * stays as it is: the queue delivers at least once, and isolates decide alike. The same decisions again change nothing.
 *
 * @param now wall clock
 */
export async function appendDecisions(
  { database, segments }: DecisionStores,
  records: readonly LoggedDecision[],
  now: number,
): Promise<void> {
  if (records.length === 0) return;
  const segment = composeSegment(records);
  await segments.put(segment.key, segment.bytes);
  const rows = rowsOf(segment);
  const inserts = [];
  for (let at = 0; at < rows.length; at += ROWS_PER_STATEMENT) {
    inserts.push(insertOf(database, segment.key, rows.slice(at, at + ROWS_PER_STATEMENT)));
  }
  await database.batch([numberOf(database, segment, now), ...inserts]);
}

/** The statement that numbers a segment, unless it has its number. A conflict would leave a gap in the numbers, a row that is not there does not. */
function numberOf(database: EdgeDatabase, segment: ComposedSegment, now: number) {
  const { key, bytes, records, firstAt, lastAt } = segment;
  const row = sql`
    SELECT NULL, ${key}, ${bytes.byteLength}, ${records.length}, ${now}, ${firstAt}, ${lastAt}
    WHERE NOT EXISTS (SELECT 1 FROM decision_segments WHERE key = ${key})`;
  return database.insert(decisionSegments).select(row);
}

type Row = readonly (string | number | null)[];

/** The columns of each decision, in the order of the table's. */
function rowsOf({ records }: ComposedSegment): Row[] {
  return records.map(({ record, stretch }) => {
    const { id, decidedAt, decision } = record;
    const { key, price } = decision;
    return [
      ...[id, key.regionId, key.productType, key.tick, key.rulesVersion, key.modelVersion ?? null],
      ...[key.source, key.priceMinor, price.currency, price.surgeMultiplier, decidedAt],
      ...[stretch.start, stretch.length],
      ...[key.experiment?.id ?? null, key.experiment?.variant ?? null],
    ];
  });
}

/** One statement for any number of rows: D1 takes 100 parameters a statement, these are two. */
function insertOf(database: EdgeDatabase, key: string, rows: readonly Row[]) {
  const field = (place: number) => sql`value ->> ${sql.raw(`'$[${place}]'`)}`;
  const upToDecidedAt = sql.join(
    Array.from({ length: 11 }, (_, place) => field(place)),
    sql`, `,
  );
  // Without WHERE, SQLite takes ON CONFLICT for part of a join.
  const selected = sql`
    SELECT
      ${upToDecidedAt}, '', (SELECT sequence FROM decision_segments WHERE key = ${key}),
      ${field(11)}, ${field(12)}, ${field(13)}, ${field(14)}
    FROM json_each(${JSON.stringify(rows)}) WHERE true`;
  return database.insert(decisions).select(selected).onConflictDoNothing();
}

/** The record of a decision, or null when the log has none. */
export async function findDecision(
  { database, segments }: DecisionStores,
  id: string,
): Promise<DecisionRecord | null> {
  const [row] = await database
    .select({
      record: decisions.record,
      start: decisions.start,
      length: decisions.length,
      key: decisionSegments.key,
    })
    .from(decisions)
    .leftJoin(decisionSegments, eq(decisionSegments.sequence, decisions.segment))
    .where(eq(decisions.id, id));
  if (!row) return null;
  if (row.record !== "") return JSON.parse(row.record) as DecisionRecord;
  const { key, start, length } = row;
  const text =
    key === null || start === null || length === null
      ? null
      : await segments.readRecord(key, { start, length });
  return text === null ? null : (JSON.parse(text) as DecisionRecord);
}
