/**
 * The event log as DuckDB reads it.
 *
 * `bronze_events` and `bronze_signals` are what the log holds, repeats of clients among it. `silver_events` has an event once, as
 * it was received first: it is named by its region and key. `silver_signals` has the highest revision of each window.
 */
import { join } from "node:path";
import { and, asc, eq, gte, isNull, lt } from "drizzle-orm";
import type { EpochMs } from "../../domain/units.ts";
import { bronzeFiles } from "../database/schema.ts";
import { literal } from "../offline/offline-store.ts";
import type { BronzeEntity } from "./bronze-folder.ts";
import type { BronzeStore } from "./bronze-sink.ts";
import { EVENT_FILE_COLUMNS } from "./events-table.ts";
import { SIGNAL_FILE_COLUMNS } from "./signals-table.ts";

/** Half-open, by when rows were received (event clock); both ends may be left open. */
export interface ReceivedRange {
  from?: EpochMs;
  to?: EpochMs;
}

/** Makes the four views over the files that are in effect now; with a range, over those that may hold rows of it. */
export async function createLogViews(store: BronzeStore, range: ReceivedRange = {}): Promise<void> {
  const { duckdb } = store;
  const events = await sourceOf(store, "events", EVENT_FILE_COLUMNS, range);
  const signals = await sourceOf(store, "signals", SIGNAL_FILE_COLUMNS, range);
  await duckdb.run(`CREATE OR REPLACE TEMP VIEW bronze_events AS SELECT * FROM ${events}`);
  await duckdb.run(`CREATE OR REPLACE TEMP VIEW bronze_signals AS SELECT * FROM ${signals}`);
  await duckdb.run(`CREATE OR REPLACE TEMP VIEW silver_events AS
    SELECT * FROM bronze_events
    QUALIFY row_number() OVER (
      PARTITION BY region_id, key ORDER BY received_at, writer, sequence, position
    ) = 1`);
  await duckdb.run(`CREATE OR REPLACE TEMP VIEW silver_signals AS
    SELECT * FROM bronze_signals
    QUALIFY row_number() OVER (
      PARTITION BY region_id, width_s, start_at ORDER BY revision DESC, told_at DESC
    ) = 1`);
}

/** What a query reads FROM: the files of an entity that are in effect now and may hold rows of the range, or no rows. */
export async function sourceOf(
  { folder, database }: BronzeStore,
  entity: BronzeEntity,
  columns: Readonly<Record<string, string>>,
  { from, to }: ReceivedRange,
): Promise<string> {
  const files = await database
    .select({ path: bronzeFiles.path })
    .from(bronzeFiles)
    .where(
      and(
        eq(bronzeFiles.entity, entity),
        isNull(bronzeFiles.replacedAt),
        from === undefined ? undefined : gte(bronzeFiles.lastReceivedAt, new Date(from)),
        to === undefined ? undefined : lt(bronzeFiles.firstReceivedAt, new Date(to)),
      ),
    )
    .orderBy(asc(bronzeFiles.firstReceivedAt), asc(bronzeFiles.path));
  if (files.length === 0) {
    const none = Object.entries(columns).map(([name, type]) => `NULL::${type} AS "${name}"`);
    return `(SELECT ${none.join(", ")} WHERE false)`;
  }
  const paths = files.map(({ path }) => literal(join(folder, path)));
  return `read_parquet([${paths.join(", ")}], hive_partitioning = true)`;
}
