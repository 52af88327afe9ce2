/** The decision log in D1: the queue writes it, explanations read it. */
import { eq, lt, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { DecisionRecord } from "./decision-log.ts";
import { decisions } from "./schema.ts";

export type EdgeDatabase = DrizzleD1Database;

/**
 * Writes the records of some messages, each the JSON of an array. A decision that is there already stays as it is: the
 * queue delivers at least once, and isolates decide alike. All of it is written, or none and it throws.
 */
export async function appendDecisions(
  database: EdgeDatabase,
  messages: readonly string[],
): Promise<void> {
  const [first, ...others] = messages.map((message) => insertOf(database, message));
  if (first) await database.batch([first, ...others]);
}

/** One statement for any number of rows: D1 takes 100 parameters a statement, this is one. */
function insertOf(database: EdgeDatabase, message: string) {
  const field = (path: string) => sql`value ->> ${sql.raw(`'$.${path}'`)}`;
  // In the order of the table's columns. Without WHERE, SQLite takes ON CONFLICT for part of a join.
  const rows = sql`
    SELECT
      ${field("id")}, ${field("decision.key.regionId")}, ${field("decision.key.productType")},
      ${field("decision.key.tick")}, ${field("decision.key.rulesVersion")},
      ${field("decision.key.modelVersion")}, ${field("decision.key.source")},
      ${field("decision.key.priceMinor")}, ${field("decision.price.currency")},
      ${field("decision.price.surgeMultiplier")}, ${field("decidedAt")}, value
    FROM json_each(${message}) WHERE true`;
  return database.insert(decisions).select(rows).onConflictDoNothing();
}

/** The record of a decision, or null when the log has none. */
export async function findDecision(
  database: EdgeDatabase,
  id: string,
): Promise<DecisionRecord | null> {
  const [row] = await database
    .select({ record: decisions.record })
    .from(decisions)
    .where(eq(decisions.id, id));
  return row ? (JSON.parse(row.record) as DecisionRecord) : null;
}

/** Forgets what was decided before an instant. */
export async function forgetDecisionsBefore(database: EdgeDatabase, at: number): Promise<void> {
  await database.delete(decisions).where(lt(decisions.decidedAt, at));
}
