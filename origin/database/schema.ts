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

const LOG_READERS = ["bronze", "kafka", "decisions"] as const;

/** How far each reader of the event log has come with each writer. */
export const logCursors = sqliteTable(
  "log_cursors",
  {
    /** `bronze`: into the offline store. `kafka`: to Kafka's topics. `decisions`: the decision log into the offline store. */
    reader: text("reader", { enum: LOG_READERS }).notNull(),
    writer: text("writer").notNull(),
    /** The last segment that is done with; 0 before the first. */
    sequence: integer("sequence").notNull(),
    /** The last segment of the range under way: it is read again as the same range after a crash. */
    readingTo: integer("reading_to"),
    /** Since when the next segment is missing although later ones are there. */
    gapNoticedAt: integer("gap_noticed_at", { mode: "timestamp_ms" }),
  },
  (table) => [primaryKey({ columns: [table.reader, table.writer] })],
);

/** Segments that never could be read: gone before they were, or not what a segment is. */
export const logLosses = sqliteTable(
  "log_losses",
  {
    reader: text("reader", { enum: LOG_READERS }).notNull(),
    writer: text("writer").notNull(),
    firstSequence: integer("first_sequence").notNull(),
    lastSequence: integer("last_sequence").notNull(),
    reason: text("reason", { enum: ["missing", "unreadable"] }).notNull(),
    detail: text("detail").notNull(),
    notedAt: integer("noted_at", { mode: "timestamp_ms" }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.reader, table.writer, table.firstSequence] })],
);

/** The Parquet files of the event log and of the decision log: a file counts when it stands here, and until another has replaced it. */
export const bronzeFiles = sqliteTable("bronze_files", {
  /** Below the offline store. */
  path: text("path").primaryKey(),
  entity: text("entity", { enum: ["events", "signals", "decisions"] }).notNull(),
  /** Of events; empty for all else. */
  topic: text("topic").notNull(),
  /** Of when its rows were received, or decided, UTC: 2026-01-11. */
  date: text("date").notNull(),
  rows: integer("rows").notNull(),
  bytes: integer("bytes").notNull(),
  /** When the first and the last of its rows were received, event clock; of decisions when they were made, wall clock. */
  firstReceivedAt: integer("first_received_at", { mode: "timestamp_ms" }).notNull(),
  lastReceivedAt: integer("last_received_at", { mode: "timestamp_ms" }).notNull(),
  writtenAt: integer("written_at", { mode: "timestamp_ms" }).notNull(),
  /** Since when a larger file holds its rows; it is deleted a while later. */
  replacedAt: integer("replaced_at", { mode: "timestamp_ms" }),
});
