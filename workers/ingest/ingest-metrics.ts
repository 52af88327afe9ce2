import type { RejectedEvent } from "../../contract/events.ts";
import { createMetrics, type Metrics } from "../../contract/metrics.ts";
import type { Acceptance } from "./accept-events.ts";

/** What this isolate counts. Formats are those of choose-format.ts. */
export interface IngestMetrics {
  registry: Metrics;
  /** A body was read: `sentBytes` as they came, `bodyBytes` without their content coding. */
  read(format: string, sentBytes: number, bodyBytes: number): void;
  /** Events were made durable. */
  accepted(format: string, acceptance: Acceptance): void;
  rejected(format: string, rejected: readonly RejectedEvent[]): void;
  answered(status: number): void;
  appended(seconds: number): void;
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

/** Counters of one format, looked up once. */
function formatCounters(registry: Metrics, format: string) {
  const of = (name: string, help: string) => registry.counter(name, help, { format });
  return {
    accepted: of("ingest_events_accepted_total", "Events made durable."),
    bodies: of("ingest_bodies_total", "Bodies read."),
    sentBytes: of("ingest_sent_bytes_total", "Bytes of bodies as they came."),
    bodyBytes: of("ingest_body_bytes_total", "Bytes of bodies, decompressed."),
    rejectedAs: madeOnce((type: RejectedEvent["type"]) =>
      registry.counter("ingest_events_rejected_total", "Events refused, by reason.", {
        type,
        format,
      }),
    ),
  };
}

/** `make`, called once for each of a few keys. */
function madeOnce<Key, Value>(make: (key: Key) => Value): (key: Key) => Value {
  const made = new Map<Key, Value>();
  return (key) => {
    const known = made.get(key);
    if (known !== undefined) return known;
    const value = make(key);
    made.set(key, value);
    return value;
  };
}

export function ingestMetrics(): IngestMetrics {
  const registry = createMetrics();
  const clamped = registry.counter(
    "ingest_events_clamped_total",
    "Events whose device's clock ran ahead, taken to have happened now.",
  );
  const seconds = registry.histogram(
    "ingest_append_seconds",
    "Time until an outbox had stored a batch.",
    SECONDS,
  );
  const countersOf = madeOnce((format: string) => formatCounters(registry, format));
  const answeredWith = madeOnce((status: number) =>
    registry.counter("ingest_requests_total", "Requests answered, by status.", {
      status: String(status),
    }),
  );
  return {
    registry,
    read(format, sentBytes, bodyBytes) {
      const counters = countersOf(format);
      counters.bodies.value++;
      counters.sentBytes.value += sentBytes;
      counters.bodyBytes.value += bodyBytes;
    },
    accepted(format, acceptance) {
      countersOf(format).accepted.value += acceptance.accepted;
      clamped.value += acceptance.clamped;
    },
    rejected(format, rejected) {
      for (const { type } of rejected) countersOf(format).rejectedAs(type).value++;
    },
    answered(status) {
      answeredWith(status).value++;
    },
    appended(elapsed) {
      seconds.observe(elapsed);
    },
  };
}
