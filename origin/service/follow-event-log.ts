/** Takes the edge's event log and decision log in while the service runs, and bridges it to Kafka where there is one. */
import type { Logger } from "pino";
import { eventClockFrom } from "../../contract/clock.ts";
import { messageOf } from "../../contract/log.ts";
import type { Metrics } from "../../contract/metrics.ts";
import { epochMs, SECOND_MS } from "../../domain/units.ts";
import { keepDecisions } from "../decisions/keep-decisions.ts";
import type { EdgeAddress } from "../edge/ask-edge.ts";
import { createDecisionLogClient } from "../edge/decision-log-client.ts";
import { createEventLogClient } from "../edge/event-log-client.ts";
import { keepImporting } from "../event-log/keep-importing.ts";
import { createIngestClient } from "../kafka/ingest-client.ts";
import { bridgeSettingsFrom, hasKafka } from "../kafka/kafka-settings.ts";
import { openOfflineStore } from "../offline/offline-store.ts";
import {
  edgeAddressFrom,
  type GlobalOptions,
  ingestAddressFrom,
  originFolder,
} from "../settings.ts";

/** Of one request; the next round asks again. */
const PATIENCE_MS = 5 * SECOND_MS;
/** While the database is waited for, nothing else of the service goes on. */
const BUSY_MS = 2 * SECOND_MS;
const DUCKDB_LIMITS = { threads: "1", memory_limit: "512MB" };

/** Until `signal`. A service without a key to an edge has no logs to follow, and says so. */
export async function followEventLog(
  options: GlobalOptions,
  log: Logger,
  metrics: Metrics,
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted) return;
  let address: EdgeAddress;
  try {
    address = await edgeAddressFrom(options, process.env);
  } catch (error) {
    log.warn({ reason: messageOf(error) }, "the logs of the edge are not followed");
    return;
  }
  const client = createEventLogClient(address, PATIENCE_MS, signal);
  const wallNow = () => epochMs(Date.now());
  const eventNow = eventClockFrom(process.env.VIRTUAL_CLOCK, wallNow);
  // Settings that are wrong are said before anything is begun.
  const kafka = hasKafka(process.env) ? await kafkaFrom(options) : null;
  const folder = originFolder(options);
  const store = await openOfflineStore(folder, { busyMs: BUSY_MS, duckdb: DUCKDB_LIMITS });
  const { database } = store;
  const decisions = createDecisionLogClient(address, PATIENCE_MS, signal);
  try {
    const beside = { ...store, duckdb: await store.connect() };
    await Promise.all([
      keepDecisions({ client: decisions, store: beside, log, metrics, wallNow }, signal),
      keepImporting({ client, store, log, metrics, wallNow, eventNow }, signal),
      kafka?.runBridge({ ...kafka, client, database, log, metrics, wallNow }, signal),
    ]);
  } finally {
    store.close();
  }
}

async function kafkaFrom(options: GlobalOptions) {
  const settings = await bridgeSettingsFrom(process.env);
  const { url, key } = await ingestAddressFrom(options, process.env);
  // Loaded only where there is a Kafka: its client takes a while.
  const { runBridge } = await import("../kafka/run-bridge.ts");
  return { settings, ingest: createIngestClient(url, key), runBridge };
}
