/** Tables of the edge's database (D1). drizzle-kit makes migrations/edge from this file. */
import { index, integer, real, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { ModelCard } from "../../contract/model.ts";
import { SOURCES } from "../../domain/decision.ts";

/** One row per decision, however often it was told. Kept 30 days. */
export const decisions = sqliteTable(
  "decisions",
  {
    /** Text of the decision's key. */
    id: text().primaryKey(),
    regionId: text("region_id").notNull(),
    productType: text("product_type").notNull(),
    tick: integer().notNull(),
    rulesVersion: text("rules_version").notNull(),
    modelVersion: text("model_version"),
    source: text({ enum: SOURCES }).notNull(),
    priceMinor: integer("price_minor").notNull(),
    currency: text().notNull(),
    surgeMultiplier: real("surge_multiplier").notNull(),
    /** Wall clock, milliseconds. */
    decidedAt: integer("decided_at").notNull(),
    /** JSON of the whole DecisionRecord: enough to decide again, with rules and model by version. */
    record: text().notNull(),
  },
  (table) => [
    index("decisions_by_region").on(table.regionId, table.decidedAt),
    index("decisions_by_age").on(table.decidedAt),
  ],
);

/** Every model that was ever registered; bytes and card lie in R2. */
export const models = sqliteTable("models", {
  version: text().primaryKey(),
  registeredAt: integer("registered_at").notNull(),
  /** Id of the key. */
  registeredBy: text("registered_by").notNull(),
  bytes: integer().notNull(),
  card: text({ mode: "json" }).$type<ModelCard>().notNull(),
});

/** The audit of what is in force: written before a change, completed after it. */
export const configChanges = sqliteTable("config_changes", {
  id: integer().primaryKey({ autoIncrement: true }),
  changedAt: integer("changed_at").notNull(),
  /** Id of the key. */
  changedBy: text("changed_by").notNull(),
  what: text({ enum: ["rules", "regions", "model"] }).notNull(),
  /** Versions. */
  before: text(),
  after: text().notNull(),
  /** Null until the pointer was moved; null for good when that failed. */
  appliedAt: integer("applied_at"),
});
