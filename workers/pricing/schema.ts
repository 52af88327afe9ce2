/** Tables of the edge's database (D1). drizzle-kit makes migrations/edge from this file. */
import { sql } from "drizzle-orm";
import { blob, index, integer, primaryKey, real, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { CHANGED_THINGS } from "../../contract/admin.ts";
import type { KeyPolicy } from "../../contract/api-keys.ts";
import { DEAD_LETTER_QUEUES, DEAD_LETTER_REASONS } from "../../contract/dead-letters.ts";
import type { ModelCard } from "../../contract/model.ts";
import { CONTENT_TYPES } from "../../contract/set-aside.ts";
import { SOURCES } from "../../domain/decision.ts";

/** One row per decision, however often it was told. Kept DECISIONS_RETENTION_DAYS. */
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
    /** JSON of the record in rows from before there were segments; empty since. */
    record: text().notNull(),
    /** Where the record lies: the segment of the decision log, and which bytes of it. */
    segment: integer(),
    start: integer(),
    length: integer(),
    experiment: text(),
    variant: text(),
  },
  (table) => [
    // Each costs a row written for each decision; those with a condition only where it holds.
    index("decisions_by_region").on(table.regionId, table.decidedAt),
    index("decisions_by_age").on(table.decidedAt),
    index("decisions_by_product").on(table.productType, table.decidedAt),
    index("decisions_by_rules").on(table.rulesVersion, table.decidedAt),
    index("decisions_by_model").on(table.modelVersion, table.decidedAt),
    index("decisions_by_source").on(table.source, table.decidedAt).where(sql`source <> 'model'`),
    index("decisions_by_experiment")
      .on(table.experiment, table.decidedAt)
      .where(sql`experiment IS NOT NULL`),
  ],
);

/** Segments of the decision log, in the order in which they were committed. */
export const decisionSegments = sqliteTable(
  "decision_segments",
  {
    /** From 1 without gaps; a number is never used again. */
    sequence: integer().primaryKey({ autoIncrement: true }),
    /** In R2. */
    key: text().notNull().unique(),
    bytes: integer().notNull(),
    records: integer().notNull(),
    /** Wall clock, milliseconds. */
    writtenAt: integer("written_at").notNull(),
    /** When the first and the last of its decisions were made, wall clock. */
    firstAt: integer("first_at").notNull(),
    lastAt: integer("last_at").notNull(),
  },
  (table) => [index("decision_segments_by_age").on(table.lastAt)],
);

/** The audit of quotes: one row per redemption. Kept as long as decisions. */
export const redemptions = sqliteTable(
  "redemptions",
  {
    quoteId: text("quote_id").primaryKey(),
    /** Of the decision behind the price; its row may come later than this one, or never have been told. */
    decisionId: text("decision_id").notNull(),
    requestId: text("request_id").notNull(),
    regionId: text("region_id").notNull(),
    productType: text("product_type").notNull(),
    /** Of one unit. */
    priceMinor: integer("price_minor").notNull(),
    currency: text().notNull(),
    quantity: integer().notNull(),
    /** As events carry it. */
    userHash: text("user_hash"),
    orderReference: text("order_reference"),
    /** Wall clock, milliseconds. */
    issuedAt: integer("issued_at").notNull(),
    redeemedAt: integer("redeemed_at").notNull(),
    /** Id of the key. */
    redeemedBy: text("redeemed_by").notNull(),
  },
  (table) => [
    index("redemptions_by_age").on(table.redeemedAt, table.quoteId),
    index("redemptions_by_region").on(table.regionId, table.redeemedAt, table.quoteId),
    index("redemptions_by_user").on(table.userHash, table.redeemedAt, table.quoteId),
    index("redemptions_by_decision").on(table.decisionId),
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

/** Every managed key that was ever made, without what proves it. */
export const apiKeys = sqliteTable("api_keys", {
  id: text().primaryKey(),
  name: text().notNull(),
  policy: text({ mode: "json" }).$type<Omit<KeyPolicy, "id">>().notNull(),
  /** Wall clock, milliseconds, like all of these. */
  createdAt: integer("created_at").notNull(),
  /** Id of the key that made it. */
  createdBy: text("created_by").notNull(),
  expiresAt: integer("expires_at"),
  revokedAt: integer("revoked_at"),
});

/** What proves a key: one, and those it was rotated from. */
export const apiKeySecrets = sqliteTable(
  "api_key_secrets",
  {
    sha256: text().primaryKey(),
    keyId: text("key_id").notNull(),
    /** The start of the key in clear. */
    prefix: text().notNull(),
    createdAt: integer("created_at").notNull(),
    /** Null until it was rotated. */
    validUntil: integer("valid_until"),
  },
  (table) => [index("api_key_secrets_by_key").on(table.keyId)],
);

/** The audit of what is in force: written before a change, completed after it. */
export const configChanges = sqliteTable("config_changes", {
  id: integer().primaryKey({ autoIncrement: true }),
  changedAt: integer("changed_at").notNull(),
  /** Id of the key. */
  changedBy: text("changed_by").notNull(),
  what: text({ enum: CHANGED_THINGS }).notNull(),
  /** Versions; of a key what is told of it, as JSON. */
  before: text(),
  after: text().notNull(),
  /** Null until the pointer was moved; null for good when that failed. */
  appliedAt: integer("applied_at"),
});

/**
 * The newest change of each kind: what keeps two changes of one version from both being made. KV cannot compare and set; a row can.
 */
export const configHeads = sqliteTable("config_heads", {
  what: text({ enum: CHANGED_THINGS }).primaryKey(),
  version: text().notNull(),
  /** The version that it took the place of. */
  before: text(),
  /** Wall clock, milliseconds. */
  changedAt: integer("changed_at").notNull(),
});

/** Messages that no consumer took, one row each, however often they became dead letters. */
export const deadLetters = sqliteTable(
  "dead_letters",
  {
    /** `dl_` and a hash of what makes the message the one it is. */
    id: text().primaryKey(),
    /** Where it came from. */
    queue: text({ enum: DEAD_LETTER_QUEUES }).notNull(),
    regionId: text("region_id"),
    reason: text({ enum: DEAD_LETTER_REASONS }).notNull(),
    detail: text().notNull(),
    /** Wall clock, milliseconds. */
    firstAt: integer("first_at").notNull(),
    lastAt: integer("last_at").notNull(),
    deliveries: integer().notNull(),
    /** The queue's own id of the newest delivery: one that comes twice is counted once. */
    lastMessageId: text("last_message_id").notNull(),
    redrives: integer().notNull().default(0),
    redrivenAt: integer("redriven_at"),
    /** Null until it was given up; then the body is empty, and the row stays for a day to know what still comes of it. */
    purgedAt: integer("purged_at"),
    contentType: text("content_type", { enum: CONTENT_TYPES }).notNull(),
    /** Of the whole message; the body holds less of one that was too long to be set aside whole. */
    bytes: integer().notNull(),
    body: blob({ mode: "buffer" }).notNull(),
  },
  (table) => [
    index("dead_letters_by_age").on(table.lastAt, table.id, table.bytes),
    index("dead_letters_by_queue").on(table.queue, table.lastAt, table.id, table.bytes),
    index("dead_letters_by_region").on(table.regionId, table.lastAt, table.id),
  ],
);

/** The audit of dead letters: written before something is done with them, completed after it. */
export const deadLetterActions = sqliteTable("dead_letter_actions", {
  id: integer().primaryKey({ autoIncrement: true }),
  /** Wall clock, milliseconds. */
  at: integer().notNull(),
  /** Id of the key. */
  by: text().notNull(),
  action: text({ enum: ["redrive", "purge"] }).notNull(),
  /** An id, or the filter. */
  selection: text({ mode: "json" }).$type<Record<string, unknown>>().notNull(),
  /** Null until it ended; null for good when it is not known to have. */
  affected: integer(),
});

/** Events that came past the allowed lateness, one row each. Kept 30 days. */
export const lateEvents = sqliteTable(
  "late_events",
  {
    /** The message's id and the event's place in it: what is delivered twice is written once. */
    id: text().primaryKey(),
    regionId: text("region_id").notNull(),
    eventType: text("event_type").notNull(),
    /** Event clock, milliseconds. */
    occurredAt: integer("occurred_at").notNull(),
    /** Event clock of the region when it put the event aside. */
    arrivedAt: integer("arrived_at").notNull(),
    keyHash: text("key_hash").notNull(),
    userHash: text("user_hash"),
    productType: text("product_type"),
    quantity: integer().notNull(),
    metadata: text({ mode: "json" }).$type<Record<string, unknown>>().notNull(),
    /** Wall clock, milliseconds. */
    storedAt: integer("stored_at").notNull(),
  },
  (table) => [
    index("late_events_by_arrival").on(table.arrivedAt, table.id),
    index("late_events_by_region").on(table.regionId, table.arrivedAt, table.id, table.occurredAt),
    index("late_events_by_age").on(table.storedAt),
  ],
);

/**
 * Who was told a price of an experiment first, one row each: a user stays with the variant of the first. Kept 180
 * days.
 */
export const exposures = sqliteTable(
  "exposures",
  {
    experiment: text().notNull(),
    /** 16 hex digits. */
    userHash: text("user_hash").notNull(),
    variant: text().notNull(),
    regionId: text("region_id").notNull(),
    productType: text("product_type").notNull(),
    /** Of the price that was told; a row of `decisions`. */
    decisionId: text("decision_id").notNull(),
    /** Event clock, milliseconds. */
    exposedAt: integer("exposed_at").notNull(),
    /** Wall clock, milliseconds. */
    loggedAt: integer("logged_at").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.experiment, table.userHash] }),
    index("exposures_by_user").on(table.userHash, table.loggedAt),
    index("exposures_by_age").on(table.loggedAt),
  ],
);

/** How many users each variant has, counted as exposures are written: counting rows would read all of them. */
export const exposureCounts = sqliteTable(
  "exposure_counts",
  {
    experiment: text().notNull(),
    variant: text().notNull(),
    users: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.experiment, table.variant] })],
);
