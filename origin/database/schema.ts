/** The origin's own tables. drizzle.config.ts says how their migrations are written; docs/storage.md who reads them. */
import { integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** Files that were taken into the offline store. */
export const imports = sqliteTable("imports", {
  /** 1, 2, 3, ...: a later import replaces what an earlier one said of the same slot. */
  sequence: integer("sequence").primaryKey(),
  /** Of the file's bytes: the same file is imported once. */
  sha256: text("sha256").notNull().unique(),
  entity: text("entity", { enum: ["bookings", "weather"] }).notNull(),
  name: text("name").notNull(),
  rows: integer("rows").notNull(),
  importedAt: integer("imported_at", { mode: "timestamp_ms" }).notNull(),
});

/** What was published to the edge from here, so that it is published again only when it changed. */
export const publications = sqliteTable(
  "publications",
  {
    kind: text("kind", { enum: ["regions", "rules", "model", "history"] }).notNull(),
    /** The region of a history; empty for the others, of which there is one each. */
    target: text("target").notNull(),
    /** As the edge names it; of a history, the instant it ends. */
    version: text("version").notNull(),
    publishedAt: integer("published_at", { mode: "timestamp_ms" }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.kind, table.target] })],
);
