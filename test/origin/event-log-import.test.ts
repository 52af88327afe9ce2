import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ALL_EVENT_TYPES, TOPIC_OF } from "../../domain/event.ts";
import { DAY_MS, type EpochMs, type ProductType, plus, type RegionId } from "../../domain/units.ts";
import { logLosses } from "../../origin/database/schema.ts";
import type { EventLogClient } from "../../origin/edge/event-log-client.ts";
import { type BronzeCounts, createBronzeSink } from "../../origin/event-log/bronze-sink.ts";
import { createLogViews } from "../../origin/event-log/log-views.ts";
import { GAP_PATIENCE_MS, type LogReading } from "../../origin/event-log/read-log.ts";
import { readRound } from "../../origin/event-log/read-round.ts";
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

const WRITER = "outbox-0-7";
const nyc230 = "nyc-230" as RegionId;
const { signal } = new AbortController();

let folder: string;
let store: OfflineStore;
let log: LogInMemory;
let wallAt: EpochMs;
let counts: BronzeCounts;
let said: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "event-log-"));
  store = await openOfflineStore(folder);
  log = new LogInMemory();
  wallAt = LOG_NOON;
  counts = { events: 0, signals: 0 };
  said = [];
});
afterEach(async () => {
  store.close();
  await rm(folder, { recursive: true, force: true });
});

function reading(bounds = { maxBytes: 1_000_000, maxSegments: 100 }): LogReading {
  const wallNow = () => wallAt;
  return {
    reader: "bronze",
    client: log,
    database: store.database,
    sink: createBronzeSink(store, wallNow, ({ events, signals }) => {
      counts.events += events;
      counts.signals += signals;
    }),
    bounds,
    wallNow,
    onGap: ({ first, last }) => said.push(`gap ${first}-${last}`),
    onLoss: ({ first, last, reason }) => said.push(`${reason} ${first}-${last}`),
  };
}

async function rowsOf(query: string): Promise<Record<string, unknown>[]> {
  await createLogViews(store);
  return (await store.duckdb.runAndReadAll(query)).getRowObjectsJson();
}

async function parquetFiles(): Promise<string[]> {
  const all = await readdir(join(folder, "offline"), { recursive: true });
  return all.filter((name) => name.endsWith(".parquet")).sort();
}

describe("the event log in bronze", () => {
  test("has every field of an event, in partitions by topic and day", async () => {
    const full = sampleEvent({
      eventType: "search",
      keyHigh: 0xffffffff,
      keyLow: 0x0a,
      userHigh: 0,
      userLow: 0xbeef,
      productType: "standard_ride" as ProductType,
      quantity: 3,
      metadata: '{"from":"Ünter \'den\' Linden"}',
    });
    const traffic = sampleEvent({ eventType: "traffic", keyLow: 2, metadata: '{"index":0.5}' });
    const nextDay = plus(LOG_NOON, DAY_MS);
    log.add(
      WRITER,
      segmentOf(eventRecord([full, traffic])),
      segmentOf(eventRecord([sampleEvent({ occurredAt: nextDay })], nextDay)),
    );
    await readRound(reading(), signal);

    expect(await parquetFiles()).toEqual([
      `bronze/events/topic=external-events/date=2026-01-11/${WRITER}-000000000001-000000000002.parquet`,
      `bronze/events/topic=user-events/date=2026-01-11/${WRITER}-000000000001-000000000002.parquet`,
      `bronze/events/topic=user-events/date=2026-01-12/${WRITER}-000000000001-000000000002.parquet`,
    ]);
    const [row] = await rowsOf("SELECT * FROM bronze_events WHERE event_type = 'search'");
    expect(row).toEqual({
      region_id: "nyc-161",
      event_type: "search",
      topic: "user-events",
      date: "2026-01-11",
      occurred_at: "2026-01-11 12:00:00",
      received_at: "2026-01-11 12:00:00",
      key: "ffffffff0000000a",
      user: "000000000000beef",
      product_type: "standard_ride",
      quantity: 3,
      metadata: '{"from":"Ünter \'den\' Linden"}',
      writer: WRITER,
      sequence: "1",
      position: 0,
    });
    const [other] = await rowsOf(`SELECT "user", product_type, metadata, quantity FROM bronze_events
      WHERE date = DATE '2026-01-12'`);
    expect(other).toEqual({ user: null, product_type: null, metadata: null, quantity: 1 });
    expect(counts).toEqual({ events: 3, signals: 0 });
  });

  test("has every type in its topic", async () => {
    const events = ALL_EVENT_TYPES.map((eventType, i) => sampleEvent({ eventType, keyLow: i }));
    log.add(WRITER, segmentOf(eventRecord(events)));
    await readRound(reading(), signal);
    const rows = await rowsOf("SELECT event_type, topic FROM bronze_events ORDER BY key");
    expect(rows).toEqual(
      events.map(({ eventType }) => {
        return { event_type: eventType, topic: TOPIC_OF[eventType] };
      }),
    );
  });

  test("goes on where it stopped, with each writer by itself", async () => {
    log.add("outbox-0-7", segmentOf(eventRecord([sampleEvent()])));
    log.add("outbox-1-9", segmentOf(eventRecord([sampleEvent({ keyLow: 2 })])));
    await readRound(reading(), signal);
    log.add("outbox-1-9", segmentOf(eventRecord([sampleEvent({ keyLow: 3 })])));
    await readRound(reading(), signal);
    const idle = await readRound(reading(), signal);
    expect(idle).toMatchObject({ segments: 0, behindSegments: 0, faults: [] });
    expect(await rowsOf("SELECT writer, sequence, key FROM bronze_events ORDER BY key")).toEqual([
      { writer: "outbox-0-7", sequence: "1", key: "0000000100000001" },
      { writer: "outbox-1-9", sequence: "1", key: "0000000100000002" },
      { writer: "outbox-1-9", sequence: "2", key: "0000000100000003" },
    ]);
  });

  test("says how far it is behind", async () => {
    log.add(WRITER, ...Array.from({ length: 5 }, () => segmentOf(eventRecord([sampleEvent()]))));
    wallAt = plus(LOG_NOON, 90_000);
    const round = await readRound(reading({ maxBytes: 1_000_000, maxSegments: 2 }), signal);
    expect(round).toMatchObject({ segments: 2, behindSegments: 3, behindS: 90 });
  });

  test("an event that was sent twice is one of silver, as it came first", async () => {
    const later = plus(LOG_NOON, 5_000);
    log.add(WRITER, segmentOf(eventRecord([sampleEvent()], later), eventRecord([sampleEvent()])));
    log.add("outbox-1-9", segmentOf(eventRecord([sampleEvent({ regionId: "other" as RegionId })])));
    await readRound(reading(), signal);
    const rows = await rowsOf("SELECT region_id, received_at FROM silver_events ORDER BY 1");
    expect(rows).toEqual([
      { region_id: "nyc-161", received_at: "2026-01-11 12:00:00" },
      { region_id: "other", received_at: "2026-01-11 12:00:00" },
    ]);
    expect(await rowsOf("SELECT count(*)::INTEGER AS n FROM bronze_events")).toEqual([{ n: 3 }]);
  });

  test("of a window's signals silver has the highest revision", async () => {
    const told = (revision: number, booking: number) =>
      sampleSignal({ revision, counts: { search: 0, view: 0, booking, cancellation: 0 } });
    log.add(
      WRITER,
      segmentOf(signalRecord([told(2, 7), told(1, 5)])),
      segmentOf(signalRecord([told(1, 5)])),
    );
    await readRound(reading(), signal);
    expect(counts.signals).toBe(3);
    const rows = await rowsOf("SELECT * FROM silver_signals");
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({
      revision: 2,
      booking: 7,
      available_drivers: null,
      start_at: "2026-01-11 12:00:00",
      end_at: "2026-01-11 12:01:00",
      writer: WRITER,
    });
  });

  test("has views before anything was imported", async () => {
    expect(await rowsOf("SELECT * FROM silver_events")).toEqual([]);
    expect(await rowsOf("SELECT * FROM silver_signals")).toEqual([]);
  });

  test("says that segments are missing, waits for them, and then goes past them", async () => {
    log.add(
      WRITER,
      ...[1, 2, 3].map((keyLow) => segmentOf(eventRecord([sampleEvent({ keyLow })]))),
    );
    log.writers.get(WRITER)?.delete(2);
    for (let round = 0; round < 3; round++) await readRound(reading(), signal);
    expect(said).toEqual(["gap 2-2"]);
    expect(counts.events).toBe(1);
    wallAt = plus(wallAt, GAP_PATIENCE_MS);
    await readRound(reading(), signal);
    await readRound(reading(), signal);
    expect(said).toEqual(["gap 2-2", "missing 2-2"]);
    expect(counts.events).toBe(2);
    expect(await store.database.select().from(logLosses)).toMatchObject([
      { writer: WRITER, firstSequence: 2, lastSequence: 2, reason: "missing" },
    ]);
  });

  test("a segment that comes late after all is no gap", async () => {
    const all = [1, 2, 3].map((keyLow) => segmentOf(eventRecord([sampleEvent({ keyLow })])));
    log.add(WRITER, ...all);
    log.writers.get(WRITER)?.delete(2);
    await readRound(reading(), signal);
    await readRound(reading(), signal);
    log.writers.get(WRITER)?.set(2, all[1] ?? new Uint8Array());
    wallAt = plus(wallAt, 2 * GAP_PATIENCE_MS);
    await readRound(reading(), signal);
    expect(counts.events).toBe(3);
    expect(said).toEqual(["gap 2-2"]);
  });

  test("bytes that are no segment are set aside, and the others count", async () => {
    const whole = segmentOf(eventRecord([sampleEvent()]));
    const cut = whole.slice(0, -3);
    log.add(WRITER, whole, cut, segmentOf(eventRecord([sampleEvent({ keyLow: 2 })])));
    await readRound(reading(), signal);
    expect(said).toEqual(["unreadable 2-2"]);
    expect(counts.events).toBe(2);
    const aside = join(folder, "offline/bronze/unreadable", `${WRITER}-2.segment`);
    expect(new Uint8Array(await readFile(aside))).toEqual(cut);
  });

  test("a kind of record that is not known is passed over", async () => {
    const unknown = signalRecord([]);
    unknown[0] = 99;
    log.add(WRITER, segmentOf(unknown, eventRecord([sampleEvent()])));
    await readRound(reading(), signal);
    expect(counts.events).toBe(1);
    expect(said).toEqual([]);
  });

  test("writes the same bytes when a range is written again", async () => {
    const events = Array.from({ length: 5_000 }, (_, n) =>
      sampleEvent({ keyLow: n, metadata: n % 3 === 0 ? `{"n":${n}}` : "" }),
    );
    log.add(WRITER, segmentOf(eventRecord(events)));
    await readRound(reading(), signal);
    const [file = ""] = await parquetFiles();
    const path = join(folder, "offline", file);
    const first = await readFile(path);

    const again = await openOfflineStore(join(folder, "again"));
    try {
      const sink = createBronzeSink(
        again,
        () => wallAt,
        () => undefined,
      );
      await readRound({ ...reading(), database: again.database, sink }, signal);
      expect(first.equals(await readFile(join(folder, "again/offline", file)))).toBe(true);
    } finally {
      again.close();
    }
  });
});

describe("an import that crashes", () => {
  /** A place in the work at which everything stops. */
  const crashes = ["begin", "take", "write", "commit", "committed"] as const;
  type Crash = (typeof crashes)[number];
  class Crashed extends Error {}

  /** A reading that stops at one place; what it had done by then stays done. */
  function crashingReading(crash: Crash, bounds: LogReading["bounds"]): LogReading {
    const whole = reading(bounds);
    const stop = (): never => {
      throw new Crashed();
    };
    const { sink } = whole;
    return {
      ...whole,
      sink: {
        ...sink,
        begin: (...range) => (crash === "begin" ? stop() : sink.begin(...range)),
        take: (...segment) => (crash === "take" ? stop() : sink.take(...segment)),
        async finish() {
          if (crash === "write") stop();
          const statements = await sink.finish();
          return crash === "commit" ? stop() : statements;
        },
        committed: () => (crash === "committed" ? stop() : sink.committed()),
      },
    };
  }

  const steps = fc.array(
    fc.record({
      added: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 }),
      crash: fc.option(fc.constantFrom(...crashes)),
      maxSegments: fc.integer({ min: 1, max: 3 }),
    }),
    { minLength: 1, maxLength: 6 },
  );

  test("anywhere, any number of times, leaves every event in bronze once and no file beside", async () => {
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(steps, async (plan) => {
        const writer = `outbox-0-${++runs}`;
        log = new LogInMemory();
        let keyLow = 0;
        for (const { added, crash, maxSegments } of plan) {
          for (const count of added) {
            const events = Array.from({ length: count }, () => sampleEvent({ keyLow: ++keyLow }));
            log.add(writer, segmentOf(eventRecord(events)));
          }
          const bounds = { maxBytes: 1_000_000, maxSegments };
          const round = readRound(
            crash === null ? reading(bounds) : crashingReading(crash, bounds),
            signal,
          );
          await round.catch((error: unknown) => {
            if (!(error instanceof Crashed)) throw error;
          });
        }
        for (;;) {
          const { segments } = await readRound(reading(), signal);
          if (segments === 0) break;
        }
        const mine = `FROM bronze_events WHERE writer = '${writer}'`;
        const rows = await rowsOf(
          `SELECT count(*)::INTEGER AS n, count(DISTINCT key)::INTEGER AS keys ${mine}`,
        );
        expect(rows).toEqual([{ n: keyLow, keys: keyLow }]);
        // Whoever reads the folder itself sees the same.
        const listed = (await parquetFiles()).filter((name) => name.includes(`/${writer}-`));
        if (listed.length === 0) return;
        const paths = listed.map((name) => `'${join(folder, "offline", name)}'`);
        const seen = await rowsOf(`SELECT count(*)::INTEGER AS n FROM read_parquet([${paths}])`);
        expect(seen).toEqual([{ n: keyLow }]);
      }),
      { numRuns: 25 },
    );
  });

  test("an edge that fails in the midst changes nothing", async () => {
    log.add(
      WRITER,
      ...[1, 2, 3].map((keyLow) => segmentOf(eventRecord([sampleEvent({ keyLow })]))),
    );
    log.faults.push({ reason: "unreachable", detail: "gone" });
    const failed = await readRound(reading(), signal);
    expect(failed).toMatchObject({ segments: 0, faults: [{ detail: "gone" }] });
    await readRound(reading(), signal);
    expect(counts.events).toBe(3);
  });

  test("leaves no rows behind that come out with those of the next range", async () => {
    setFlagsFromString("--expose-gc");
    const collectGarbage: () => void = runInNewContext("gc");
    const many = Array.from({ length: 3_000 }, (_, keyLow) => sampleEvent({ keyLow }));
    log.add("outbox-0-1", segmentOf(eventRecord(many)), segmentOf(eventRecord([])));
    log.add("outbox-1-2", segmentOf(eventRecord([sampleEvent({ regionId: nyc230 })])));
    const whole = reading();
    const client: EventLogClient = {
      readWriters: () => log.readWriters(),
      listSegments: (...asked) => log.listSegments(...asked),
      async readSegment(writer, sequence) {
        if (sequence === 2) return { reason: "unreachable", detail: "gone" };
        for (let n = 0; n < 10; n++) {
          collectGarbage();
          await sleep(5);
        }
        return log.readSegment(writer, sequence);
      },
    };
    await readRound({ ...whole, client }, signal);
    const rows = await rowsOf("SELECT region_id, writer, sequence FROM bronze_events");
    expect(rows).toEqual([{ region_id: nyc230, writer: "outbox-1-2", sequence: "1" }]);
    await readRound(whole, signal);
    expect(await rowsOf("SELECT count(*)::INTEGER AS n FROM bronze_events")).toEqual([
      { n: 3_001 },
    ]);
  });
});
