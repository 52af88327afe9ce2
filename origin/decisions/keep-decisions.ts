/** The decision log into the offline store, for as long as the service runs. */
import type { Logger } from "pino";
import type { Metrics } from "../../contract/metrics.ts";
import type { EpochMs } from "../../domain/units.ts";
import type { EventLogClient } from "../edge/event-log-client.ts";
import type { BronzeStore } from "../event-log/bronze-sink.ts";
import { pollLog } from "../event-log/poll-log.ts";
import { BRONZE_BOUNDS } from "../event-log/range-bounds.ts";
import { createDecisionSink } from "./decision-sink.ts";

export interface KeepDecisionsPorts {
  client: EventLogClient;
  /** With a connection to DuckDB that nothing else uses meanwhile. */
  store: BronzeStore;
  log: Logger;
  metrics: Metrics;
  wallNow(): EpochMs;
}

/** Takes in what is new, until `signal`. Who tidies bronze tidies these files as well. */
export function keepDecisions(ports: KeepDecisionsPorts, signal: AbortSignal): Promise<void> {
  const { client, store, log, metrics, wallNow } = ports;
  const decisions = metrics.counter(
    "origin_decisions_total",
    "Decisions taken into the offline store; one that comes in two ranges shows here twice",
  );
  const sink = createDecisionSink(store, wallNow, (count) => {
    decisions.value += count;
  });
  const reading = {
    ...{ reader: "decisions" as const, bounds: BRONZE_BOUNDS },
    ...{ client, database: store.database, sink, wallNow },
  };
  return pollLog({ reading, log, metrics }, signal);
}
