import { type Log, messageOf } from "../../contract/log.ts";
import { createMetrics, type Metrics } from "../../contract/metrics.ts";
import type { OutboxStatus, OutboxStatusRpc } from "../../contract/rpc.ts";
import { withinLimit } from "../../contract/within-limit.ts";

/** A scrape waits no longer for an outbox. */
const ANSWER_LIMIT_MS = 1_000;

/**
 * How the outboxes stand, in the Prometheus text format. Every isolate tells the same. One that does not answer in time is
 * missing from it: an alert on its absence says more than a number that is not known.
 */
export async function outboxMetricsText(
  outboxes: readonly (() => OutboxStatusRpc)[],
  log: Log,
): Promise<string> {
  const registry = createMetrics();
  const statuses = await Promise.all(outboxes.map((outbox) => statusOf(outbox, log)));
  for (const status of statuses) if (status) show(registry, status);
  return registry.text();
}

async function statusOf(outbox: () => OutboxStatusRpc, log: Log): Promise<OutboxStatus | null> {
  try {
    return await withinLimit(outbox().status(), ANSWER_LIMIT_MS);
  } catch (error) {
    log("warn", "an outbox did not say how it stands", { error: messageOf(error) });
    return null;
  }
}

function show(registry: Metrics, status: OutboxStatus): void {
  const { outbox, depth, dispatches, held, logLag } = status;
  const gauge = (name: string, help: string, value: number, labels = {}) =>
    registry.gauge(name, help, () => value, { outbox, ...labels });
  const counter = (name: string, help: string, value: number) => {
    registry.counter(name, help, { outbox }).value = value;
  };
  gauge("outbox_depth_bytes", "Bytes that not both regions and event log have.", depth.bytes);
  gauge("outbox_depth_batches", "Batches that not both regions and event log have.", depth.batches);
  gauge("outbox_oldest_age_seconds", "Age of the oldest of them.", depth.oldestAgeMs / 1_000);
  gauge("outbox_dispatches", "Dispatches with parcels that are not confirmed.", dispatches);
  gauge("outbox_log_lag_bytes", "Bytes that are not in the event log.", logLag.bytes);
  gauge("outbox_log_lag_batches", "Batches that are not in the event log.", logLag.batches);
  gauge("outbox_log_lag_seconds", "Age of the oldest of them.", logLag.oldestAgeMs / 1_000);
  for (const { regionId, parcels, bytes } of held) {
    const region = { region_id: regionId };
    gauge("outbox_held_parcels", "Parcels a region does not take.", parcels, region);
    gauge("outbox_held_bytes", "Bytes of parcels a region does not take.", bytes, region);
  }
  counter("outbox_segments_total", "Segments written to the event log.", status.segmentsWritten);
  counter(
    "outbox_segment_failures_total",
    "Segments not written at a try.",
    status.segmentFailures,
  );
  counter("outbox_calls_total", "Calls and alarms of the object.", status.calls);
  counter("outbox_queue_units_total", "Messages sent, by each 64 KB or less.", status.queueUnits);
  counter("outbox_rows_written_total", "Rows written, as they are billed.", status.rowsWritten);
}
