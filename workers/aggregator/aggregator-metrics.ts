import {
  type Counter,
  createMetrics,
  type Histogram,
  type Metrics,
} from "../../contract/metrics.ts";
import type { ParcelsApplied } from "../../contract/rpc.ts";
import { outletMetrics } from "./outlet-metrics.ts";
import { perRegion } from "./per-region.ts";

/** What this isolate counts. */
export interface AggregatorMetrics {
  registry: Metrics;
  /** What became of a region's parcels. */
  applied(result: ParcelsApplied, seconds: number, regionId: string): void;
  failedApplies: Counter;
  /** Tells of a region that was split, for as long as this isolate lives. `shards` is read when metrics are. */
  splitRegion(regionId: string, shards: () => number): void;
  /** Tells of a region whose layout has been changing for so long. */
  changing(seconds: number): void;
  foreignMessages: Counter;
  batches: Counter;
  /** Seconds from when an outbox sent a parcel to when it came. */
  queueLag: Histogram;
}

const LAG_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800];
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

export function aggregatorMetrics(): AggregatorMetrics {
  const registry = createMetrics();
  const events = registry.counter(
    "aggregator_events_applied_total",
    "Events taken in by regions, repeats and late ones among them.",
  );
  const duplicates = registry.counter(
    "aggregator_events_duplicate_total",
    "Events that had been counted before.",
  );
  const late = registry.counter(
    "aggregator_events_late_total",
    "Events past the allowed lateness.",
  );
  const repeated = registry.counter(
    "aggregator_parcels_repeated_total",
    "Parcels that came again and counted nothing.",
  );
  const seconds = registry.histogram(
    "aggregator_apply_seconds",
    "Time until a region had counted its parcels.",
    SECONDS,
  );
  let changingSeconds = 0;
  registry.gauge(
    "aggregator_layout_change_seconds",
    "Longest time for which a region has been splitting or merging, as parcels found it since this was last read. Minutes: a shard does not come back.",
    () => {
      const longest = changingSeconds;
      changingSeconds = 0;
      return longest;
    },
  );
  let lagMs = 0;
  registry.gauge(
    "aggregator_watermark_lag_seconds",
    "Largest distance from the event clock to a region's watermark since the last time this was read.",
    () => {
      const seconds = lagMs / 1_000;
      lagMs = 0;
      return seconds;
    },
  );
  const eventsOf = perRegion((region) => {
    const help = "Events taken in by region; all regions beyond the first 2,000 are one.";
    return registry.counter("aggregator_region_events_total", help, { region });
  });
  const rows = registry.counter(
    "region_rows_written_total",
    "Rows that regions and their shards wrote, alarms among them, as they are billed.",
  );
  const outlets = outletMetrics(registry);
  return {
    registry,
    applied(result, elapsed, regionId) {
      events.value += result.events;
      rows.value += result.rowsWritten ?? 0;
      outlets(result.outlets, regionId);
      eventsOf(regionId).value += result.events;
      duplicates.value += result.duplicates;
      late.value += result.late;
      repeated.value += result.repeatedParcels;
      seconds.observe(elapsed);
      lagMs = Math.max(lagMs, result.watermarkLagMs);
    },
    splitRegion(region, shards) {
      registry.gauge(
        "aggregator_region_shards",
        "Objects that count a region's events, as this isolate last heard; for regions that were split.",
        shards,
        { region },
      );
    },
    changing(forSeconds) {
      changingSeconds = Math.max(changingSeconds, forSeconds);
    },
    failedApplies: registry.counter(
      "aggregator_apply_failures_total",
      "Parcels that their regions did not take, and that come again.",
    ),
    foreignMessages: registry.counter(
      "aggregator_foreign_messages_total",
      "Messages of the queue that were no parcels, and are among the dead letters.",
    ),
    batches: registry.counter("aggregator_batches_total", "Batches the queue handed over."),
    queueLag: registry.histogram(
      "aggregator_queue_lag_seconds",
      "From when an outbox sent a parcel to when it came, tries before included.",
      LAG_SECONDS,
      { queue: "events" },
    ),
  };
}
