/** The decisions of the offline store as DuckDB reads them. */
import type { BronzeStore } from "../event-log/bronze-sink.ts";
import { type ReceivedRange, sourceOf } from "../event-log/log-views.ts";
import { DECISION_FILE_COLUMNS, ONE_ROW_A_DECISION } from "./decisions-table.ts";

/** Makes the view `decisions`, a row for each decision, over the files in effect now that may hold rows of the range. */
export async function createDecisionView(
  store: BronzeStore,
  range: ReceivedRange = {},
): Promise<void> {
  const source = await sourceOf(store, "decisions", DECISION_FILE_COLUMNS, range);
  await store.duckdb.run(
    `CREATE OR REPLACE TEMP VIEW decisions AS SELECT * FROM ${source} ${ONE_ROW_A_DECISION}`,
  );
}
