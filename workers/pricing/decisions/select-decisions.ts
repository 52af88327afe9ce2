/**
 * Decisions by what an auditor knows of them, the newest first.
 *
 * SQLite chooses an index without knowing how common a value is, so it is told: one filter drives the index, chosen by how few decisions it
 * usually leaves, and all others are kept from it by a plus sign. A page begins behind a place in that same index, so the thousandth costs
 * what the first does.
 */
import { desc, type SQL, sql } from "drizzle-orm";
import type { DecisionSelection } from "../../../contract/decision-view.ts";
import type { EdgeDatabase } from "../decision-store.ts";
import type { Place } from "../keyset.ts";
import { decisions } from "../schema.ts";

/** With the `rowid`, which orders those that were decided in the same millisecond. */
export type SelectedDecision = Awaited<ReturnType<typeof selectDecisions>>[number];

/** Columns by which one looks for decisions, in the order in which they are preferred to drive the index. */
const DRIVERS = {
  experiment: "experiment",
  region_id: "region_id",
  product_type: "product_type",
  rules_version: "rules_version",
  model_version: "model_version",
  source: "source",
} as const;
type Driver = keyof typeof DRIVERS;

/** A page of decisions from behind `after`. */
export function selectDecisions(
  database: EdgeDatabase,
  selection: DecisionSelection,
  after: Place | null,
  limit: number,
) {
  const { id, regionId, productType, tick, rulesVersion, modelVersion, source } = decisions;
  const { priceMinor, currency, surgeMultiplier, decidedAt, experiment, variant } = decisions;
  const rowid = sql<number>`rowid`;
  return database
    .select({
      ...{ id, regionId, productType, tick, rulesVersion, modelVersion, source, rowid },
      ...{ priceMinor, currency, surgeMultiplier, decidedAt, experiment, variant },
    })
    .from(decisions)
    .where(sql.join(termsOf(selection, after), sql` AND `))
    .orderBy(desc(decidedAt), desc(rowid))
    .limit(limit);
}

function termsOf(selection: DecisionSelection, after: Place | null): SQL[] {
  const { since, until, variant } = selection;
  const drivers = Object.keys(DRIVERS) as Driver[];
  // Most decisions come from the model: they are found by time, and are in no index of their own.
  const driving = drivers.find(
    (name) => selection[name] !== undefined && selection[name] !== ("model" as const),
  );
  // Always a term, so that there is one; and the one by which time alone drives.
  const terms = [sql`decided_at >= ${since ?? 0}`];
  if (until !== undefined) terms.push(sql`decided_at < ${until}`);
  if (after !== null) terms.push(sql`(decided_at, rowid) < (${after.at}, ${Number(after.id)})`);
  for (const name of drivers) {
    const value = selection[name];
    if (value === undefined) continue;
    const column = sql.raw(name === driving ? DRIVERS[name] : `+${DRIVERS[name]}`);
    terms.push(sql`${column} = ${value}`);
  }
  if (driving === "source") terms.push(sql`source <> 'model'`);
  if (variant !== undefined) terms.push(sql`+variant = ${variant}`);
  return terms;
}
