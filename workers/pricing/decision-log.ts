/**
 * The decision log's end in the isolate: one record per decision, however often it is told, sent to the queue in batches
 * beside the requests.
 *
 * What is in memory when an isolate dies is lost to the log, not to the world: a request id names its decision.
 */
import type { Metrics } from "../../contract/metrics.ts";
import type { Decision } from "../../domain/decision.ts";
import type { DemandForecast } from "../../domain/forecast.ts";
import type { Region } from "../../domain/region.ts";
import { type FeatureSnapshot, snapshotForProduct } from "../../domain/snapshot.ts";
import type { EpochMs } from "../../domain/units.ts";
import { createRecordOutlet, type OutletPorts } from "./record-outlet.ts";

/** A decision with everything it was made from but the rules and the model, which are kept by version. */
export interface DecisionRecord {
  id: string;
  decidedAt: EpochMs;
  decision: Decision;
  region: Region;
  snapshot: FeatureSnapshot | null;
  forecast: DemandForecast | null;
}

export interface DecisionLog {
  /** Takes a record; what is begun is done when it has left for the queue, or cannot yet. */
  record(record: DecisionRecord): Promise<void> | null;
}

/** A queue takes 128 KB a message; a record is about 4 KB, and UTF-8 may need more bytes than characters. */
const MAX_MESSAGE_CHARS = 60_000;

export function createDecisionLog(ports: OutletPorts & { metrics: Metrics }): DecisionLog {
  const { metrics } = ports;
  const outlet = createRecordOutlet<DecisionRecord>(ports, {
    what: "decisions",
    messagesOf,
    sent: metrics.counter("pricing_decisions_logged_total", "Decisions sent to the log."),
    dropped: metrics.counter(
      "pricing_decisions_dropped_total",
      "Decisions the log never heard of, because the queue did not take them for too long.",
    ),
  });
  return { record: (record) => outlet.take(record) };
}

/** The records as JSON arrays that fit a message each. */
export function messagesOf(records: readonly DecisionRecord[]): string[] {
  const messages: string[] = [];
  let open: string[] = [];
  let chars = 0;
  for (const record of records) {
    const { snapshot, decision } = record;
    const seen = snapshot && snapshotForProduct(snapshot, decision.key.productType);
    const text = JSON.stringify({ ...record, snapshot: seen });
    if (open.length > 0 && chars + text.length > MAX_MESSAGE_CHARS) {
      messages.push(`[${open.join()}]`);
      open = [];
      chars = 0;
    }
    open.push(text);
    chars += text.length;
  }
  if (open.length > 0) messages.push(`[${open.join()}]`);
  return messages;
}
