/** The decision log's retention. */
import { asc, lt, sql } from "drizzle-orm";
import type { DecisionStores, EdgeDatabase } from "../decision-store.ts";
import { decisionSegments, decisions } from "../schema.ts";

/** A statement has 30 s in D1, and others wait for it; deleting so many rows with their places in the indexes takes a fraction of one. */
const ROWS_AT_ONCE = 5_000;
/** What R2 deletes at once. */
const SEGMENTS_AT_ONCE = 1_000;
/** An hour's run ends after so many rounds; the next one goes on. */
const MAX_ROUNDS = 200;

/** What was forgotten. */
export interface Forgotten {
  decisions: number;
  segments: number;
}

/** Forgets what was decided before an instant: rows, the oldest first, then segments all of whose decisions are older. */
export async function forgetDecisionsBefore(
  stores: DecisionStores,
  at: number,
): Promise<Forgotten> {
  return {
    decisions: await inRounds(ROWS_AT_ONCE, () => forgetRows(stores.database, at)),
    segments: await inRounds(SEGMENTS_AT_ONCE, () => forgetSegments(stores, at)),
  };
}

async function inRounds(size: number, round: () => Promise<number>): Promise<number> {
  let sum = 0;
  for (let n = 0; n < MAX_ROUNDS; n++) {
    const gone = await round();
    sum += gone;
    if (gone < size) break;
  }
  return sum;
}

async function forgetRows(database: EdgeDatabase, at: number): Promise<number> {
  const oldest = sql`(
    SELECT rowid FROM decisions WHERE decided_at < ${at} ORDER BY decided_at LIMIT ${ROWS_AT_ONCE}
  )`;
  const gone = await database.delete(decisions).where(sql`rowid IN ${oldest}`);
  return gone.meta.changes;
}

/** Objects first: one whose number is gone would lie there for good. */
async function forgetSegments({ database, segments }: DecisionStores, at: number): Promise<number> {
  const old = await database
    .select({ sequence: decisionSegments.sequence, key: decisionSegments.key })
    .from(decisionSegments)
    .where(lt(decisionSegments.lastAt, at))
    .orderBy(asc(decisionSegments.lastAt))
    .limit(SEGMENTS_AT_ONCE);
  if (old.length === 0) return 0;
  await segments.forget(old.map(({ key }) => key));
  // One parameter for all of them; a statement takes 100.
  const sequences = sql`(SELECT value FROM json_each(${JSON.stringify(old.map(({ sequence }) => sequence))}))`;
  await database.delete(decisionSegments).where(sql`${decisionSegments.sequence} IN ${sequences}`);
  return old.length;
}
