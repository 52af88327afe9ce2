/** The event log into bronze, for as long as the service runs. */
import type { Logger } from "pino";
import type { Metrics } from "../../contract/metrics.ts";
import { type EpochMs, MINUTE_MS } from "../../domain/units.ts";
import type { EventLogClient } from "../edge/event-log-client.ts";
import { type BronzeStore, createBronzeSink } from "./bronze-sink.ts";
import { compactBronze } from "./compact-bronze.ts";
import { pollLog } from "./poll-log.ts";
import { BRONZE_BOUNDS } from "./range-bounds.ts";
import { sweepBronze } from "./sweep-bronze.ts";

const TIDY_EVERY_MS = 10 * MINUTE_MS;

export interface ImportPorts {
  client: EventLogClient;
  store: BronzeStore;
  log: Logger;
  metrics: Metrics;
  wallNow(): EpochMs;
  eventNow(): EpochMs;
}

/** Imports what is new, and compacts what is over every ten minutes; until `signal`. */
export function keepImporting(ports: ImportPorts, signal: AbortSignal): Promise<void> {
  const { client, store, log, metrics, wallNow, eventNow } = ports;
  const events = metrics.counter("origin_bronze_events_total", "Events taken into bronze");
  const signals = metrics.counter("origin_bronze_signals_total", "Demand signals taken in");
  const compactions = metrics.counter("origin_bronze_compactions_total", "Partitions compacted");
  const swept = metrics.counter("origin_bronze_swept_total", "Files deleted that count no more");
  const sink = createBronzeSink(store, wallNow, (counts) => {
    events.value += counts.events;
    signals.value += counts.signals;
  });
  const { database } = store;
  const reading = {
    ...{ reader: "bronze" as const, bounds: BRONZE_BOUNDS },
    ...{ client, database, sink, wallNow },
  };

  let tidiedAt = Number.NEGATIVE_INFINITY;
  const betweenRounds = async () => {
    if (wallNow() - tidiedAt < TIDY_EVERY_MS) return;
    tidiedAt = wallNow();
    for (const done of await compactBronze(store, eventNow(), wallNow, signal)) {
      compactions.value++;
      log.info(done, "a partition was compacted");
    }
    swept.value += await sweepBronze(store, wallNow());
  };
  return pollLog({ reading, log, metrics, betweenRounds }, signal);
}
