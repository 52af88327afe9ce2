/** The bridge to and from Kafka, for as long as a service runs. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { messageOf } from "../../contract/log.ts";
import type { Metrics } from "../../contract/metrics.ts";
import { EVENT_TYPES, type Topic } from "../../domain/event.ts";
import { type EpochMs, SECOND_MS } from "../../domain/units.ts";
import type { OriginDatabase } from "../database/open-database.ts";
import type { EventLogClient } from "../edge/event-log-client.ts";
import { pollLog } from "../event-log/poll-log.ts";
import { createRecordBridge } from "./bridge-from-kafka.ts";
import { createBridgeMetrics } from "./bridge-metrics.ts";
import { deadLetterTopic } from "./dead-letter.ts";
import type { IngestClient } from "./ingest-client.ts";
import { createKafkaPort, type KafkaPort } from "./kafka-port.ts";
import type { BridgeSettings } from "./kafka-settings.ts";
import { createKafkaSink } from "./kafka-sink.ts";
import { DEMAND_SIGNALS_TOPIC } from "./log-messages.ts";

export interface BridgePorts {
  settings: BridgeSettings;
  ingest: IngestClient;
  client: EventLogClient;
  database: OriginDatabase;
  log: Logger;
  metrics: Metrics;
  wallNow(): EpochMs;
}

/** Partitions whose records are posted at once. */
const CONCURRENCY = 4;
const RETRY_MS = 5 * SECOND_MS;
/** A segment or so: the cursor moves after each range. */
const OUT_BOUNDS = { maxBytes: 4 * 1024 * 1024, maxSegments: 100 };

/** Bridges in the directions of the settings, until `signal`; it ends when what is under way is done with. */
export async function runBridge(ports: BridgePorts, signal: AbortSignal): Promise<void> {
  const { settings, log } = ports;
  const kafka = createKafkaPort(settings.kafka, log);
  const told = { ...ports, bridgeMetrics: createBridgeMetrics(ports.metrics) };
  try {
    if (!(await topicsAreThere(kafka, topicsOf(settings), log, signal))) return;
    log.info(
      { directions: [...settings.directions].join(), topics: settings.topics.join() },
      "the bridge runs",
    );
    await Promise.all([
      ...(settings.directions.has("from") ? [bridgeIn(kafka, told, signal)] : []),
      ...(settings.directions.has("to") ? [bridgeOut(kafka, told, signal)] : []),
    ]);
  } finally {
    await kafka.close();
  }
}

type Told = BridgePorts & { bridgeMetrics: ReturnType<typeof createBridgeMetrics> };

function bridgeIn(kafka: KafkaPort, ports: Told, signal: AbortSignal): Promise<void> {
  const { settings, ingest, log, bridgeMetrics: metrics } = ports;
  const onBatch = createRecordBridge({ kafka, ingest, metrics, log });
  const { groupId, topics } = settings;
  return kafka.consume({ groupId, topics, concurrency: CONCURRENCY, onBatch }, signal);
}

function bridgeOut(kafka: KafkaPort, ports: Told, signal: AbortSignal): Promise<void> {
  const { settings, client, database, log, metrics, bridgeMetrics, wallNow } = ports;
  const sink = createKafkaSink(kafka, settings.outTopic, bridgeMetrics);
  const reading = {
    ...{ reader: "kafka" as const, bounds: OUT_BOUNDS },
    ...{ client, database, sink, wallNow },
  };
  return pollLog({ reading, log, metrics }, signal);
}

function topicsOf({ directions, topics, outTopic }: BridgeSettings): string[] {
  const events = Object.keys(EVENT_TYPES) as Topic[];
  return [
    ...(directions.has("from") ? topics.flatMap((topic) => [topic, deadLetterTopic(topic)]) : []),
    ...(directions.has("to") ? [...events.map(outTopic), DEMAND_SIGNALS_TOPIC] : []),
  ];
}

/** Tries until the topics are there; false when `signal` ended it before. */
async function topicsAreThere(
  kafka: KafkaPort,
  topics: readonly string[],
  log: Logger,
  signal: AbortSignal,
): Promise<boolean> {
  while (!signal.aborted) {
    try {
      await kafka.ensureTopics(topics);
      return true;
    } catch (error) {
      log.warn({ error: messageOf(error) }, "Kafka's topics cannot be listed or made");
      await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }
  return false;
}
