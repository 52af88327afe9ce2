import type { Counter, Histogram, Metrics } from "../../contract/metrics.ts";

/** Writes of the feature mirror, by what came of them. */
export interface MirrorMetrics {
  written: Counter;
  /** Newer features were there already. */
  outdated: Counter;
  failed: Counter;
  /** Not tried, because the last ones failed. */
  skipped: Counter;
  seconds: Histogram;
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];

export function mirrorMetrics(metrics: Metrics): MirrorMetrics {
  const writes = (outcome: string) =>
    metrics.counter(
      "aggregator_mirror_writes_total",
      "Snapshots on their way to Redis: written, outdated by newer ones, failed, or skipped while Redis is down.",
      { outcome },
    );
  return {
    written: writes("written"),
    outdated: writes("outdated"),
    failed: writes("failed"),
    skipped: writes("skipped"),
    seconds: metrics.histogram("aggregator_mirror_seconds", "Time of a write to Redis.", SECONDS),
  };
}
