/** Redemptions in D1: the ledger writes them, audits read them. */
import { sql } from "drizzle-orm";
import type { EdgeDatabase } from "../decision-store.ts";
import { redemptions } from "../schema.ts";
import type { RedemptionRecord } from "./redemption-rows.ts";

/** Writes some redemptions; those that are there already stay as they are. All of them, or it throws. */
export async function appendRedemptions(
  database: EdgeDatabase,
  records: readonly RedemptionRecord[],
): Promise<void> {
  const field = (name: keyof RedemptionRecord) => sql`value ->> ${sql.raw(`'$.${name}'`)}`;
  // One statement for any number of rows: D1 takes 100 parameters a statement, this is one. In the order of the table's columns.
  // Without WHERE, SQLite takes ON CONFLICT for part of a join.
  const rows = sql`
    SELECT
      ${field("quoteId")}, ${field("decisionId")}, ${field("requestId")}, ${field("regionId")},
      ${field("productType")}, ${field("priceMinor")}, ${field("currency")}, ${field("quantity")},
      ${field("userHash")}, ${field("orderReference")}, ${field("issuedAt")},
      ${field("redeemedAt")}, ${field("redeemedBy")}
    FROM json_each(${JSON.stringify(records)}) WHERE true`;
  await database.insert(redemptions).select(rows).onConflictDoNothing();
}

/** A statement has 30 s in D1, and others wait for it. */
const FORGOTTEN_AT_ONCE = 5_000;
/** An hour's run ends after so many rounds; the next one goes on. */
const MAX_ROUNDS = 200;

/** Forgets what was redeemed before an instant, the oldest first. */
export async function forgetRedemptionsBefore(database: EdgeDatabase, at: number): Promise<void> {
  const oldest = sql`(
    SELECT rowid FROM redemptions
    WHERE redeemed_at < ${at} ORDER BY redeemed_at LIMIT ${FORGOTTEN_AT_ONCE}
  )`;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const gone = await database.delete(redemptions).where(sql`rowid IN ${oldest}`);
    if (gone.meta.changes < FORGOTTEN_AT_ONCE) return;
  }
}
