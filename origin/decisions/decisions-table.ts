/** Decisions of a range of segments, on their way to Parquet. */
import { BIGINT, DOUBLE, type DuckDBConnection, INTEGER, VARCHAR } from "@duckdb/node-api";
import type { LoggedDecision } from "../../contract/decision-log.ts";
import { DAY_MS, type EpochMs } from "../../domain/units.ts";
import { dateOf } from "../event-log/bronze-folder.ts";
import { ColumnLoader } from "../event-log/column-loader.ts";
import type { PartitionRows } from "../event-log/events-table.ts";

const COLUMNS = {
  id: VARCHAR,
  decided_at: DOUBLE,
  region_id: VARCHAR,
  product_type: VARCHAR,
  tick: BIGINT,
  rules_version: VARCHAR,
  model_version: VARCHAR,
  source: VARCHAR,
  experiment: VARCHAR,
  variant: VARCHAR,
  price_minor: BIGINT,
  currency: VARCHAR,
  surge_multiplier: DOUBLE,
  sequence: INTEGER,
  record: VARCHAR,
};

/** The columns of a file of decisions, the date of its folder's name among them, as SQL types. */
export const DECISION_FILE_COLUMNS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.entries(COLUMNS).map(([name, type]) => [name, String(type)])),
  decided_at: "TIMESTAMP",
  date: "DATE",
};

/** Of the rows of one decision the first that was made. For queries over files of decisions. */
export const ONE_ROW_A_DECISION =
  "QUALIFY row_number() OVER (PARTITION BY id ORDER BY decided_at, sequence) = 1";

export class DecisionsTable {
  private readonly loader: ColumnLoader;
  /** Of what was taken in: isolates decide alike, mostly at the same moment, and so into the same range. */
  private readonly ids = new Set<string>();
  /** By day: how many, and when they were made. */
  private readonly extents = new Map<number, { rows: number; first: EpochMs; last: EpochMs }>();

  private constructor(loader: ColumnLoader) {
    this.loader = loader;
  }

  static async open(duckdb: DuckDBConnection): Promise<DecisionsTable> {
    return new DecisionsTable(await ColumnLoader.open(duckdb, COLUMNS));
  }

  /** Takes a decision of segment `sequence`, with its text; false when the range has it already. */
  add({ id, decidedAt, decision }: LoggedDecision, text: string, sequence: number): boolean {
    if (this.ids.has(id)) return false;
    this.ids.add(id);
    const { key, price } = decision;
    this.loader.add(
      ...[id, decidedAt, key.regionId, key.productType, BigInt(key.tick), key.rulesVersion],
      ...[key.modelVersion ?? null, key.source],
      ...[key.experiment?.id ?? null, key.experiment?.variant ?? null],
      ...[BigInt(key.priceMinor), price.currency, price.surgeMultiplier, sequence, text],
    );
    const at = decidedAt as EpochMs;
    const day = Math.floor(at / DAY_MS);
    const { rows, first, last } = this.extents.get(day) ?? { rows: 0, first: at, last: at };
    this.extents.set(day, {
      rows: rows + 1,
      first: Math.min(first, at) as EpochMs,
      last: Math.max(last, at) as EpochMs,
    });
    return true;
  }

  /** Gives up what was taken in; the queries of `finish` find nothing any more. */
  drop(): Promise<void> {
    return this.loader.drop();
  }

  /** The files that everything taken in becomes, one a day. */
  finish(): PartitionRows[] {
    this.loader.finish();
    return [...this.extents].map(([day, { rows, first, last }]) => ({
      ...{ entity: "decisions", topic: "", date: dateOf(day * DAY_MS), rows },
      firstReceivedAt: first,
      lastReceivedAt: last,
      query: `SELECT * REPLACE (epoch_ms(decided_at::BIGINT) AS decided_at)
        FROM ${this.loader.table}
        WHERE decided_at >= ${day * DAY_MS} AND decided_at < ${(day + 1) * DAY_MS}
        ORDER BY region_id, product_type, decided_at`,
    }));
  }
}
