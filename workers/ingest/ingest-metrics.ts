import type { RejectedEvent } from "../../contract/events.ts";
import { createMetrics, type Metrics } from "../../contract/metrics.ts";

/** What this isolate counts. */
export interface IngestMetrics {
  registry: Metrics;
  accepted(events: number): void;
  rejected(type: RejectedEvent["type"]): void;
  answered(status: number): void;
  appended(seconds: number): void;
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

export function ingestMetrics(): IngestMetrics {
  const registry = createMetrics();
  const accepted = registry.counter("ingest_events_accepted_total", "Events made durable.");
  const seconds = registry.histogram(
    "ingest_append_seconds",
    "Time until an outbox had stored a batch.",
    SECONDS,
  );
  return {
    registry,
    accepted(events) {
      accepted.value += events;
    },
    rejected(type) {
      registry.counter("ingest_events_rejected_total", "Events refused, by reason.", { type })
        .value++;
    },
    answered(status) {
      const labels = { status: String(status) };
      registry.counter("ingest_requests_total", "Requests answered, by status.", labels).value++;
    },
    appended(elapsed) {
      seconds.observe(elapsed);
    },
  };
}
