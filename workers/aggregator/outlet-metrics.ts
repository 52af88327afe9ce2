import type { Metrics } from "../../contract/metrics.ts";
import type { OutletCounts } from "../../contract/rpc.ts";

/** Counts what regions let out, as their answers tell it. */
export function outletMetrics(
  registry: Metrics,
): (counts: OutletCounts | undefined, regionId: string) => void {
  const told = registry.counter(
    "aggregator_signals_told_total",
    "Demand signals of closed windows that went to the event log, corrections among them.",
  );
  const corrected = registry.counter(
    "aggregator_signals_corrected_total",
    "Demand signals that replaced an earlier revision.",
  );
  const dropped = registry.counter(
    "aggregator_late_events_dropped_total",
    "Late events that a full side output dropped; they are in the event log.",
  );
  const depths = new Map<string, number>();
  registry.gauge(
    "aggregator_late_messages_waiting",
    "Messages of late events that regions keep until they are stored elsewhere, as this isolate last heard.",
    () => [...depths.values()].reduce((sum, depth) => sum + depth, 0),
  );
  return (counts, regionId) => {
    if (!counts) return;
    told.value += counts.signalsTold;
    corrected.value += counts.signalsCorrected;
    dropped.value += counts.lateDropped;
    if (counts.lateDepth > 0) depths.set(regionId, counts.lateDepth);
    else depths.delete(regionId);
  };
}
