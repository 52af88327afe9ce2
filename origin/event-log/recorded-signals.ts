import { type DemandSignal, demandSignalSchema } from "../../contract/demand-signals.ts";
import type { RegionId } from "../../domain/units.ts";
import type { BronzeStore } from "./bronze-sink.ts";
import { createLogViews, type ReceivedRange } from "./log-views.ts";

const INSTANTS = ["start_at", "end_at", "watermark", "told_at"] as const;

/** The signals of a region's windows that lie within a range, the highest revision of each, oldest first. */
export async function recordedSignals(
  store: BronzeStore,
  regionId: RegionId,
  { from, to }: Required<ReceivedRange>,
): Promise<DemandSignal[]> {
  // A window may be told anew long after it ended, so there is no end to where its signals lie.
  await createLogViews(store, { from });
  const text = (name: string) => `strftime(${name}, '%Y-%m-%dT%H:%M:%S.%gZ') AS ${name}`;
  const result = await store.duckdb.runAndReadAll(
    `SELECT * REPLACE (${INSTANTS.map(text).join(", ")}),
       {search: search, "view": "view", booking: booking, cancellation: cancellation} AS counts
     FROM silver_signals
     WHERE region_id = $regionId
       AND start_at >= epoch_ms($from::BIGINT) AND end_at <= epoch_ms($to::BIGINT)
     ORDER BY silver_signals.start_at, width_s`,
    { regionId, from, to },
  );
  return result.getRowObjectsJS().map((row) => demandSignalSchema.parse(row));
}
