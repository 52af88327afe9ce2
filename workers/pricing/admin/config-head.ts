/** Whose change comes next: of two changes of one version, one is made. */
import { sql } from "drizzle-orm";
import { MINUTE_MS } from "../../../domain/units.ts";
import type { EdgeDatabase } from "../decision-store.ts";
import { configHeads } from "../schema.ts";

type Kind = typeof configHeads.$inferSelect.what;

/**
 * For so long after a change KV may show its readers the version before. Later what KV says is the truth, for its pointers can be moved
 * without this table, by bare wrangler.
 */
const KV_SPREADS_MS = MINUTE_MS + 10_000;

/**
 * Claims the change from `before` to `version`. False when another change of `before` was made just now. Without `isExclusive` the
 * change is made all the same, and only noted for others.
 */
export async function claimChange(
  database: EdgeDatabase,
  claim: { what: Kind; before: string | null; version: string; isExclusive: boolean; now: number },
): Promise<boolean> {
  const { what, before, version, isExclusive, now } = claim;
  const row = { version, before, changedAt: now };
  const { version: newest, before: replaced, changedAt } = configHeads;
  // IS, for the first change of a kind takes the place of nothing.
  const isTaken = sql`${replaced} IS ${before} AND ${newest} IS NOT ${before} AND ${changedAt} > ${now - KV_SPREADS_MS}`;
  const claimed = await database
    .insert(configHeads)
    .values({ what, ...row })
    .onConflictDoUpdate({
      target: configHeads.what,
      set: row,
      setWhere: isExclusive ? sql`${newest} = ${version} OR NOT (${isTaken})` : sql`TRUE`,
    })
    .returning({ what: configHeads.what });
  return claimed.length > 0;
}
