/** Requests and their durations, by route. */
import type { Counter, Metrics } from "../../contract/metrics.ts";

/** Counts one answered request. */
export type RequestCount = (status: number, durationMs: number) => void;

const DURATION_BOUNDS_S = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

export function countRequests(metrics: Metrics, route: string): RequestCount {
  const byStatus = new Map<number, Counter>();
  const duration = metrics.histogram(
    "pricing_request_duration_seconds",
    "From the arrival of a request to its answer. In production the clock stands still while code runs.",
    DURATION_BOUNDS_S,
    { route },
  );
  return (status, durationMs) => {
    let counter = byStatus.get(status);
    if (!counter) {
      const labels = { route, status: String(status) };
      counter = metrics.counter("pricing_requests_total", "Requests answered.", labels);
      byStatus.set(status, counter);
    }
    counter.value += 1;
    duration.observe(durationMs / 1_000);
  };
}
