/** Demand signals of a range of segments, on their way to Parquet. */
import { DOUBLE, type DuckDBConnection, INTEGER, VARCHAR } from "@duckdb/node-api";
import type { DemandSignal } from "../../contract/demand-signals.ts";
import { DAY_MS, type EpochMs } from "../../domain/units.ts";
import { literal } from "../offline/offline-store.ts";
import { dateOf } from "./bronze-folder.ts";
import { ColumnLoader } from "./column-loader.ts";
import type { PartitionRows } from "./events-table.ts";

const COLUMNS = {
  region_id: VARCHAR,
  width_s: INTEGER,
  start_at: DOUBLE,
  end_at: DOUBLE,
  revision: INTEGER,
  search: INTEGER,
  view: INTEGER,
  booking: INTEGER,
  cancellation: INTEGER,
  cancel_rate: DOUBLE,
  active_sessions: INTEGER,
  available_drivers: INTEGER,
  busy_drivers: INTEGER,
  utilization_ratio: DOUBLE,
  supply_demand_ratio: DOUBLE,
  watermark: DOUBLE,
  told_at: DOUBLE,
  received_at: DOUBLE,
  sequence: DOUBLE,
};

const INSTANTS = ["start_at", "end_at", "watermark", "told_at", "received_at"] as const;

/** The columns of a file of signals, the date of its folder's name among them, as SQL types. */
export const SIGNAL_FILE_COLUMNS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.entries(COLUMNS).map(([name, type]) => [name, String(type)])),
  ...Object.fromEntries(INSTANTS.map((name) => [name, "TIMESTAMP"])),
  sequence: "BIGINT",
  writer: "VARCHAR",
  date: "DATE",
};

export class SignalsTable {
  private readonly writer: string;
  private readonly loader: ColumnLoader;
  /** By day: how many, and when they were received. */
  private readonly extents = new Map<number, { rows: number; first: EpochMs; last: EpochMs }>();

  private constructor(writer: string, loader: ColumnLoader) {
    this.writer = writer;
    this.loader = loader;
  }

  static async open(duckdb: DuckDBConnection, writer: string): Promise<SignalsTable> {
    return new SignalsTable(writer, await ColumnLoader.open(duckdb, COLUMNS));
  }

  /** Takes a signal of segment `sequence`; `at` is the time of its record. */
  add(signal: DemandSignal, at: EpochMs, sequence: number): void {
    const { counts } = signal;
    this.loader.add(
      signal.region_id,
      signal.width_s,
      Date.parse(signal.start_at),
      Date.parse(signal.end_at),
      signal.revision,
      counts.search,
      counts.view,
      counts.booking,
      counts.cancellation,
      signal.cancel_rate,
      signal.active_sessions,
      signal.available_drivers,
      signal.busy_drivers,
      signal.utilization_ratio,
      signal.supply_demand_ratio,
      Date.parse(signal.watermark),
      Date.parse(signal.told_at),
      at,
      sequence,
    );
    const day = Math.floor(at / DAY_MS);
    const { rows, first, last } = this.extents.get(day) ?? { rows: 0, first: at, last: at };
    this.extents.set(day, {
      rows: rows + 1,
      first: Math.min(first, at) as EpochMs,
      last: Math.max(last, at) as EpochMs,
    });
  }

  /** Gives up what was taken in; the queries of `finish` find nothing any more. */
  drop(): Promise<void> {
    return this.loader.drop();
  }

  /** The files that everything taken in becomes. */
  finish(): PartitionRows[] {
    this.loader.finish();
    return [...this.extents].map(([day, { rows, first, last }]) => ({
      ...{ entity: "signals", topic: "", date: dateOf(day * DAY_MS), rows },
      firstReceivedAt: first,
      lastReceivedAt: last,
      query: this.queryOf(day),
    }));
  }

  private queryOf(day: number): string {
    const instants = INSTANTS.map((name) => `epoch_ms(${name}::BIGINT) AS ${name}`);
    return `SELECT
        * REPLACE (${instants.join(", ")}, sequence::BIGINT AS sequence),
        ${literal(this.writer)} AS writer
      FROM ${this.loader.table}
      WHERE received_at >= ${day * DAY_MS} AND received_at < ${(day + 1) * DAY_MS}`;
  }
}
