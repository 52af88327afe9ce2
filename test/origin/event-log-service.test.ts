import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createMetrics, type Metrics } from "../../contract/metrics.ts";
import { type EpochMs, plus } from "../../domain/units.ts";
import { logCursors } from "../../origin/database/schema.ts";
import { keepImporting } from "../../origin/event-log/keep-importing.ts";
import { readRound } from "../../origin/event-log/read-round.ts";
import { createBridgeMetrics } from "../../origin/kafka/bridge-metrics.ts";
import type { KafkaMessage } from "../../origin/kafka/kafka-port.ts";
import { createKafkaSink } from "../../origin/kafka/kafka-sink.ts";
import { type OfflineStore, openOfflineStore } from "../../origin/offline/offline-store.ts";
import {
  eventRecord,
  LOG_NOON,
  LogInMemory,
  sampleEvent,
  sampleSignal,
  segmentOf,
  signalRecord,
} from "../support/event-log-samples.ts";
import { until } from "../support/processes.ts";

const WRITER = "outbox-0-7";

let folder: string;
let store: OfflineStore;
let log: LogInMemory;
let metrics: Metrics;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "event-log-service-"));
  store = await openOfflineStore(folder);
  log = new LogInMemory();
  metrics = createMetrics();
});
afterEach(async () => {
  store.close();
  await rm(folder, { recursive: true, force: true });
});

const hasMetric = (line: string) => metrics.text().split("\n").includes(line);

describe("keepImporting()", () => {
  /** Imports until `check` holds; returns what was logged. */
  async function importUntil(what: string, wallAt: EpochMs, check: () => boolean) {
    const lines: string[] = [];
    const stop = new AbortController();
    const running = keepImporting(
      {
        ...{ client: log, store, metrics },
        log: pino({}, { write: (line: string) => lines.push(line) }),
        wallNow: () => wallAt,
        eventNow: () => wallAt,
      },
      stop.signal,
    );
    await until(what, 15_000, check);
    stop.abort();
    await running;
    return lines.join("");
  }

  test("takes in what is there and counts it", async () => {
    log.add(WRITER, segmentOf(eventRecord([sampleEvent()]), signalRecord([sampleSignal()])));
    await importUntil("it is imported", LOG_NOON, () => hasMetric("origin_bronze_events_total 1"));
    expect(hasMetric("origin_bronze_signals_total 1")).toBe(true);
    expect(hasMetric('origin_event_log_segments_total{reader="bronze"} 1')).toBe(true);
    expect(hasMetric('origin_event_log_lag_segments{reader="bronze"} 0')).toBe(true);
  });

  test("goes on after a fault, which it says and counts", async () => {
    log.add(WRITER, segmentOf(eventRecord([sampleEvent()])));
    log.faults.push({ reason: "unreachable", detail: "the edge is gone" });
    const said = await importUntil("it is imported", LOG_NOON, () =>
      hasMetric("origin_bronze_events_total 1"),
    );
    expect(said).toContain("the edge is gone");
    expect(hasMetric('origin_event_log_faults_total{reader="bronze"} 1')).toBe(true);
  });

  test("says aloud that segments are missing, and how far it is behind", async () => {
    log.add(WRITER, ...[1, 2].map((keyLow) => segmentOf(eventRecord([sampleEvent({ keyLow })]))));
    log.writers.get(WRITER)?.delete(1);
    const said = await importUntil("the gap is seen", plus(LOG_NOON, 30_000), () =>
      hasMetric('origin_event_log_gaps_total{reader="bronze"} 1'),
    );
    expect(said).toContain("segments of the event log are missing");
    expect(hasMetric('origin_event_log_lag_seconds{reader="bronze"} 30')).toBe(true);
    expect(hasMetric('origin_event_log_lag_segments{reader="bronze"} 1')).toBe(true);
    expect(hasMetric("origin_bronze_events_total 0")).toBe(true);
  });
});

describe("the event log on its way to Kafka", () => {
  const { signal } = new AbortController();

  function reading(produce: (messages: readonly KafkaMessage[]) => Promise<void>) {
    return {
      ...{ reader: "kafka" as const, client: log, database: store.database },
      sink: createKafkaSink({ produce }, (topic) => `edge.${topic}`, createBridgeMetrics(metrics)),
      bounds: { maxBytes: 1_000_000, maxSegments: 10 },
      wallNow: () => LOG_NOON,
      onGap: () => undefined,
      onLoss: () => undefined,
    };
  }

  test("is keyed by region, with ids that are the same each time", async () => {
    const written: KafkaMessage[] = [];
    const event = sampleEvent({ eventType: "traffic", metadata: '{"index":0.5}', userLow: 0xbeef });
    log.add(WRITER, segmentOf(eventRecord([event]), signalRecord([sampleSignal({ revision: 3 })])));
    await readRound(
      reading(async (messages) => {
        written.push(...messages);
      }),
      signal,
    );
    expect(written).toMatchObject([
      {
        topic: "edge.external-events",
        key: "nyc-161",
        headers: { "edge-event-id": "nyc-161/0000000100000001", "edge-log-sequence": "1" },
      },
      {
        topic: "demand-signals",
        key: "nyc-161",
        headers: { "edge-event-id": "nyc-161/60/2026-01-11T12:00:00.000Z/3" },
      },
    ]);
    expect(JSON.parse(String(written[0]?.value))).toEqual({
      event_id: "nyc-161/0000000100000001",
      event_type: "traffic",
      region_id: "nyc-161",
      timestamp: "2026-01-11T12:00:00.000Z",
      received_at: "2026-01-11T12:00:00.000Z",
      user_hash: "000000000000beef",
      quantity: 1,
      metadata: { index: 0.5 },
    });
    expect(JSON.parse(String(written[1]?.value))).toEqual(sampleSignal({ revision: 3 }));
  });

  test("moves the cursor only when the broker has everything, and repeats what it may have", async () => {
    const keys = Array.from({ length: 2_500 }, (_, keyLow) => keyLow);
    log.add(WRITER, segmentOf(eventRecord(keys.map((keyLow) => sampleEvent({ keyLow })))));
    const ids: string[] = [];
    let calls = 0;
    const produce = async (messages: readonly KafkaMessage[]) => {
      if (++calls === 2) throw new Error("the broker is gone");
      ids.push(...messages.map(({ headers }) => headers["edge-event-id"] ?? ""));
    };
    await expect(readRound(reading(produce), signal)).rejects.toThrow("the broker is gone");
    expect(await store.database.select().from(logCursors)).toMatchObject([
      { reader: "kafka", sequence: 0, readingTo: 1 },
    ]);
    await readRound(reading(produce), signal);
    expect(await store.database.select().from(logCursors)).toMatchObject([
      { reader: "kafka", sequence: 1, readingTo: null },
    ]);
    expect(new Set(ids).size).toBe(keys.length);
    expect(ids.length).toBe(keys.length + 1_000);
  });
});
