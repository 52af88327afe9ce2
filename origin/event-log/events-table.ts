/** Events of a range of segments, on their way from packed bytes to Parquet. */
import {
  DOUBLE,
  type DuckDBConnection,
  INTEGER,
  UINTEGER,
  UTINYINT,
  VARCHAR,
} from "@duckdb/node-api";
import type { EventCursor } from "../../contract/packed-events.ts";
import { ALL_EVENT_TYPES, type EventType, TOPIC_OF } from "../../domain/event.ts";
import { DAY_MS, type EpochMs } from "../../domain/units.ts";
import { literal } from "../offline/offline-store.ts";
import type { BronzePartition } from "./bronze-folder.ts";
import { dateOf } from "./bronze-folder.ts";
import { ColumnLoader } from "./column-loader.ts";
import { Dictionary } from "./dictionary.ts";

/** Names and times as numbers: text is made of them by DuckDB, which is many times faster at it. */
const COLUMNS = {
  type: UTINYINT,
  region: UINTEGER,
  occurred_at: DOUBLE,
  received_at: DOUBLE,
  key_high: UINTEGER,
  key_low: UINTEGER,
  user_high: UINTEGER,
  user_low: UINTEGER,
  product: UINTEGER,
  quantity: INTEGER,
  metadata: VARCHAR,
  sequence: UINTEGER,
  position: UINTEGER,
};

/** The columns of a file of events, those of its folder's name among them, as SQL types. */
export const EVENT_FILE_COLUMNS = {
  region_id: "VARCHAR",
  event_type: "VARCHAR",
  occurred_at: "TIMESTAMP",
  received_at: "TIMESTAMP",
  key: "VARCHAR",
  user: "VARCHAR",
  product_type: "VARCHAR",
  quantity: "INTEGER",
  metadata: "VARCHAR",
  writer: "VARCHAR",
  sequence: "BIGINT",
  position: "INTEGER",
  topic: "VARCHAR",
  date: "DATE",
} as const;

const CODE_OF = Object.fromEntries(ALL_EVENT_TYPES.map((type, code) => [type, code])) as Record<
  EventType,
  number
>;

/** What one Parquet file is made of. */
export interface PartitionRows extends BronzePartition {
  rows: number;
  firstReceivedAt: EpochMs;
  lastReceivedAt: EpochMs;
  /** A SELECT that gives the rows with the columns of the file, in the order in which the log has them. */
  query: string;
}

interface Extent {
  rows: number;
  firstReceivedAt: EpochMs;
  lastReceivedAt: EpochMs;
}

export class EventsTable {
  private readonly writer: string;
  private readonly loader: ColumnLoader;
  private readonly regions = new Dictionary();
  private readonly products = new Dictionary();
  /** By type code and day: what a topic has is the sum of its types. */
  private readonly extents = new Map<number, Extent>();

  private constructor(writer: string, loader: ColumnLoader) {
    this.writer = writer;
    this.loader = loader;
  }

  static async open(duckdb: DuckDBConnection, writer: string): Promise<EventsTable> {
    return new EventsTable(writer, await ColumnLoader.open(duckdb, COLUMNS));
  }

  /** Takes the event the cursor stands on, the `position`th of segment `sequence`. */
  add(event: EventCursor, receivedAt: EpochMs, sequence: number, position: number): void {
    const code = CODE_OF[event.eventType];
    const { productType, metadata } = event;
    this.loader.add(
      code,
      this.regions.indexOf(event.regionId),
      event.occurredAt,
      receivedAt,
      event.keyHigh,
      event.keyLow,
      event.userHigh,
      event.userLow,
      productType === null ? 0 : this.products.indexOf(productType) + 1,
      event.quantity,
      metadata === "" ? null : metadata,
      sequence,
      position,
    );
    this.note(code, receivedAt);
  }

  /** Gives up what was taken in; the queries of `finish` find nothing any more. */
  drop(): Promise<void> {
    return this.loader.drop();
  }

  /** The files that everything taken in becomes. */
  finish(): PartitionRows[] {
    this.loader.finish();
    const partitions = new Map<string, Extent & BronzePartition & { day: number }>();
    for (const [key, extent] of this.extents) {
      const type = ALL_EVENT_TYPES[key % TYPES];
      if (type === undefined) throw new RangeError(`no event type has code ${key % TYPES}`);
      const day = Math.floor(key / TYPES);
      const topic = TOPIC_OF[type];
      const known = partitions.get(`${topic} ${day}`);
      const date = dateOf(day * DAY_MS);
      partitions.set(`${topic} ${day}`, {
        ...{ entity: "events", topic, date, day },
        ...(known ? widened(known, extent) : extent),
      });
    }
    return [...partitions.values()].map(({ day, ...rest }) => ({
      ...rest,
      query: this.queryOf(rest.topic, day),
    }));
  }

  private note(code: number, receivedAt: EpochMs): void {
    const key = Math.floor(receivedAt / DAY_MS) * TYPES + code;
    const extent = this.extents.get(key);
    if (!extent) {
      this.extents.set(key, { rows: 1, firstReceivedAt: receivedAt, lastReceivedAt: receivedAt });
      return;
    }
    extent.rows++;
    if (receivedAt < extent.firstReceivedAt) extent.firstReceivedAt = receivedAt;
    if (receivedAt > extent.lastReceivedAt) extent.lastReceivedAt = receivedAt;
  }

  private queryOf(topic: string, day: number): string {
    const codes = ALL_EVENT_TYPES.flatMap((type, code) => (TOPIC_OF[type] === topic ? [code] : []));
    return `SELECT
        ${listOf(this.regions.names)}[region + 1] AS region_id,
        ${listOf(ALL_EVENT_TYPES)}[type + 1] AS event_type,
        epoch_ms(occurred_at::BIGINT) AS occurred_at,
        epoch_ms(received_at::BIGINT) AS received_at,
        ${hexOf("key_high", "key_low")} AS key,
        CASE WHEN user_high = 0 AND user_low = 0 THEN NULL ELSE ${hexOf("user_high", "user_low")} END AS "user",
        ${listOf(this.products.names)}[NULLIF(product, 0)] AS product_type,
        quantity,
        metadata,
        ${literal(this.writer)} AS writer,
        sequence::BIGINT AS sequence,
        position::INTEGER AS position
      FROM ${this.loader.table}
      WHERE type IN (${codes}) AND received_at >= ${day * DAY_MS} AND received_at < ${(day + 1) * DAY_MS}`;
  }
}

const TYPES = ALL_EVENT_TYPES.length;

function widened(one: Extent, other: Extent): Extent {
  return {
    rows: one.rows + other.rows,
    firstReceivedAt: Math.min(one.firstReceivedAt, other.firstReceivedAt) as EpochMs,
    lastReceivedAt: Math.max(one.lastReceivedAt, other.lastReceivedAt) as EpochMs,
  };
}

/** 16 hex digits of two halves. */
function hexOf(high: string, low: string): string {
  return `lpad(lower(to_hex((${high}::UBIGINT << 32) | ${low})), 16, '0')`;
}

function listOf(names: readonly string[]): string {
  return `([${names.map(literal).join(", ")}]::VARCHAR[])`;
}
