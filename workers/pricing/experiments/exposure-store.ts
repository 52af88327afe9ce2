/** Exposures in D1: the queue writes them, the origin and the audit read them. */
import { and, asc, eq, gt, lt, sql } from "drizzle-orm";
import type { ExposureMessage } from "../../../contract/exposures.ts";
import type { EdgeDatabase } from "../decision-store.ts";
import { exposureCounts, exposures } from "../schema.ts";

/**
 * Writes the exposures of some messages. Whoever is exposed already stays as they
 * are: isolates do not know of each other, and the queue delivers at least once. All of it is written, or none and it throws.
 */
export async function appendExposures(
  database: EdgeDatabase,
  messages: readonly ExposureMessage[],
): Promise<void> {
  // Counted first, in the same transaction: only then it shows who is new.
  const [first, ...others] = messages.flatMap(({ exposures: told }) => {
    const rows = JSON.stringify(told);
    return [countOf(database, rows), insertOf(database, rows)];
  });
  if (first) await database.batch([first, ...others]);
}

const field = (name: string) => sql`value ->> ${sql.raw(`'$.${name}'`)}`;

/** One statement for any number of rows: D1 takes 100 parameters a statement, this is one. */
function insertOf(database: EdgeDatabase, told: string) {
  // In the order of the table's columns. Without WHERE, SQLite takes ON CONFLICT for part of a join.
  const rows = sql`
    SELECT
      ${field("experimentId")}, ${field("userHash")}, ${field("variant")}, ${field("regionId")},
      ${field("productType")}, ${field("decisionId")}, ${field("exposedAt")}, ${field("loggedAt")}
    FROM json_each(${told}) WHERE true`;
  return database.insert(exposures).select(rows).onConflictDoNothing();
}

/** Adds those of a message that are not there yet, each user once. */
function countOf(database: EdgeDatabase, told: string) {
  const rows = sql`
    SELECT experiment, variant, count(*) FROM (
      SELECT ${field("experimentId")} AS experiment, ${field("userHash")} AS user_hash,
        ${field("variant")} AS variant, min(key)
      FROM json_each(${told}) GROUP BY 1, 2
    ) AS first_told
    WHERE NOT EXISTS (
      SELECT 1 FROM exposures
      WHERE exposures.experiment = first_told.experiment
        AND exposures.user_hash = first_told.user_hash
    )
    GROUP BY experiment, variant`;
  return database
    .insert(exposureCounts)
    .select(rows)
    .onConflictDoUpdate({
      target: [exposureCounts.experiment, exposureCounts.variant],
      set: { users: sql`users + excluded.users` },
    });
}

export type ExposureRow = typeof exposures.$inferSelect;

/** A page of an experiment's exposures by user hash, from behind `after`. */
export async function listExposures(
  database: EdgeDatabase,
  experimentId: string,
  after: string | undefined,
  limit: number,
): Promise<ExposureRow[]> {
  const behind = after === undefined ? undefined : gt(exposures.userHash, after);
  return database
    .select()
    .from(exposures)
    .where(and(eq(exposures.experiment, experimentId), behind))
    .orderBy(asc(exposures.userHash))
    .limit(limit);
}

export type ExposureCount = typeof exposureCounts.$inferSelect;

/** Users of each variant since its experiment began. */
export async function countExposures(database: EdgeDatabase): Promise<ExposureCount[]> {
  return database
    .select()
    .from(exposureCounts)
    .orderBy(exposureCounts.experiment, exposureCounts.variant);
}

/** Forgets who was exposed before an instant, wall clock. */
export async function forgetExposuresBefore(database: EdgeDatabase, at: number): Promise<void> {
  await database.delete(exposures).where(lt(exposures.loggedAt, at));
}
