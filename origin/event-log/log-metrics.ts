import type { Metrics } from "../../contract/metrics.ts";
import type { LogReader } from "./log-cursors.ts";
import type { LogRound } from "./read-round.ts";

/** What is told of a reader of the event log. */
export interface LogMetrics {
  round(round: LogRound): void;
  /** A round that failed as a whole. */
  failed(): void;
  gap(): void;
  lost(segments: number): void;
}

export function createLogMetrics(metrics: Metrics, reader: LogReader): LogMetrics {
  const labels = { reader };
  let lagS = 0;
  let lagSegments = 0;
  metrics.gauge(
    "origin_event_log_lag_seconds",
    "How long the oldest segment that was not read yet has been there",
    () => lagS,
    labels,
  );
  metrics.gauge(
    "origin_event_log_lag_segments",
    "Segments of the event log that were not read yet",
    () => lagSegments,
    labels,
  );
  const counter = (name: string, help: string) => metrics.counter(name, help, labels);
  const segments = counter("origin_event_log_segments_total", "Segments read");
  const bytes = counter("origin_event_log_bytes_total", "Bytes of the segments read");
  const faults = counter("origin_event_log_faults_total", "Reads that failed and are tried again");
  const gaps = counter("origin_event_log_gaps_total", "Times that segments were found missing");
  const lost = counter(
    "origin_event_log_lost_segments_total",
    "Segments that were gone past because they were missing or could not be read",
  );
  return {
    round(round) {
      lagS = round.behindS;
      lagSegments = round.behindSegments;
      segments.value += round.segments;
      bytes.value += round.bytes;
      faults.value += round.faults.length;
    },
    failed() {
      faults.value++;
    },
    gap() {
      gaps.value++;
    },
    lost(count) {
      lost.value += count;
    },
  };
}
