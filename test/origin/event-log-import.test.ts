import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ALL_EVENT_TYPES, TOPIC_OF } from "../../domain/event.ts";
import { DAY_MS, type ProductType, plus, type RegionId } from "../../domain/units.ts";
import { logLosses } from "../../origin/database/schema.ts";
import { createBronzeSink } from "../../origin/event-log/bronze-sink.ts";
import { GAP_PATIENCE_MS } from "../../origin/event-log/read-log.ts";
import { readRound } from "../../origin/event-log/read-round.ts";
import { openOfflineStore } from "../../origin/offline/offline-store.ts";
import { BronzeImport } from "../support/bronze-import.ts";
import {
  eventRecord,
  LOG_NOON,
  sampleEvent,
  sampleSignal,
  segmentOf,
  signalRecord,
} from "../support/event-log-samples.ts";

const WRITER = "outbox-0-7";
const { signal } = new AbortController();

let bronze: BronzeImport;
beforeEach(async () => {
  bronze = await BronzeImport.open();
});
afterEach(() => bronze.close());

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
    bronze.log.add(
      WRITER,
      segmentOf(eventRecord([full, traffic])),
      segmentOf(eventRecord([sampleEvent({ occurredAt: nextDay })], nextDay)),
    );
    await readRound(bronze.reading(), signal);

    expect(await bronze.parquetFiles()).toEqual([
      `bronze/events/topic=external-events/date=2026-01-11/${WRITER}-000000000001-000000000002.parquet`,
      `bronze/events/topic=user-events/date=2026-01-11/${WRITER}-000000000001-000000000002.parquet`,
      `bronze/events/topic=user-events/date=2026-01-12/${WRITER}-000000000001-000000000002.parquet`,
    ]);
    const [row] = await bronze.rowsOf("SELECT * FROM bronze_events WHERE event_type = 'search'");
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
    const [other] =
      await bronze.rowsOf(`SELECT "user", product_type, metadata, quantity FROM bronze_events
      WHERE date = DATE '2026-01-12'`);
    expect(other).toEqual({ user: null, product_type: null, metadata: null, quantity: 1 });
    expect(bronze.counts).toEqual({ events: 3, signals: 0 });
  });

  test("has every type in its topic", async () => {
    const events = ALL_EVENT_TYPES.map((eventType, i) => sampleEvent({ eventType, keyLow: i }));
    bronze.log.add(WRITER, segmentOf(eventRecord(events)));
    await readRound(bronze.reading(), signal);
    const rows = await bronze.rowsOf("SELECT event_type, topic FROM bronze_events ORDER BY key");
    expect(rows).toEqual(
      events.map(({ eventType }) => {
        return { event_type: eventType, topic: TOPIC_OF[eventType] };
      }),
    );
  });

  test("goes on where it stopped, with each writer by itself", async () => {
    bronze.log.add("outbox-0-7", segmentOf(eventRecord([sampleEvent()])));
    bronze.log.add("outbox-1-9", segmentOf(eventRecord([sampleEvent({ keyLow: 2 })])));
    await readRound(bronze.reading(), signal);
    bronze.log.add("outbox-1-9", segmentOf(eventRecord([sampleEvent({ keyLow: 3 })])));
    await readRound(bronze.reading(), signal);
    const idle = await readRound(bronze.reading(), signal);
    expect(idle).toMatchObject({ segments: 0, behindSegments: 0, faults: [] });
    expect(
      await bronze.rowsOf("SELECT writer, sequence, key FROM bronze_events ORDER BY key"),
    ).toEqual([
      { writer: "outbox-0-7", sequence: "1", key: "0000000100000001" },
      { writer: "outbox-1-9", sequence: "1", key: "0000000100000002" },
      { writer: "outbox-1-9", sequence: "2", key: "0000000100000003" },
    ]);
  });

  test("says how far it is behind", async () => {
    bronze.log.add(
      WRITER,
      ...Array.from({ length: 5 }, () => segmentOf(eventRecord([sampleEvent()]))),
    );
    bronze.wallAt = plus(LOG_NOON, 90_000);
    const round = await readRound(bronze.reading({ maxBytes: 1_000_000, maxSegments: 2 }), signal);
    expect(round).toMatchObject({ segments: 2, behindSegments: 3, behindS: 90 });
  });

  test("an event that was sent twice is one of silver, as it came first", async () => {
    const later = plus(LOG_NOON, 5_000);
    bronze.log.add(
      WRITER,
      segmentOf(eventRecord([sampleEvent()], later), eventRecord([sampleEvent()])),
    );
    bronze.log.add(
      "outbox-1-9",
      segmentOf(eventRecord([sampleEvent({ regionId: "other" as RegionId })])),
    );
    await readRound(bronze.reading(), signal);
    const rows = await bronze.rowsOf("SELECT region_id, received_at FROM silver_events ORDER BY 1");
    expect(rows).toEqual([
      { region_id: "nyc-161", received_at: "2026-01-11 12:00:00" },
      { region_id: "other", received_at: "2026-01-11 12:00:00" },
    ]);
    expect(await bronze.rowsOf("SELECT count(*)::INTEGER AS n FROM bronze_events")).toEqual([
      { n: 3 },
    ]);
  });

  test("of a window's signals silver has the highest revision", async () => {
    const told = (revision: number, booking: number) =>
      sampleSignal({ revision, counts: { search: 0, view: 0, booking, cancellation: 0 } });
    bronze.log.add(
      WRITER,
      segmentOf(signalRecord([told(2, 7), told(1, 5)])),
      segmentOf(signalRecord([told(1, 5)])),
    );
    await readRound(bronze.reading(), signal);
    expect(bronze.counts.signals).toBe(3);
    const rows = await bronze.rowsOf("SELECT * FROM silver_signals");
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
    expect(await bronze.rowsOf("SELECT * FROM silver_events")).toEqual([]);
    expect(await bronze.rowsOf("SELECT * FROM silver_signals")).toEqual([]);
  });

  test("says that segments are missing, waits for them, and then goes past them", async () => {
    bronze.log.add(
      WRITER,
      ...[1, 2, 3].map((keyLow) => segmentOf(eventRecord([sampleEvent({ keyLow })]))),
    );
    bronze.log.writers.get(WRITER)?.delete(2);
    for (let round = 0; round < 3; round++) await readRound(bronze.reading(), signal);
    expect(bronze.said).toEqual(["gap 2-2"]);
    expect(bronze.counts.events).toBe(1);
    bronze.wallAt = plus(bronze.wallAt, GAP_PATIENCE_MS);
    await readRound(bronze.reading(), signal);
    await readRound(bronze.reading(), signal);
    expect(bronze.said).toEqual(["gap 2-2", "missing 2-2"]);
    expect(bronze.counts.events).toBe(2);
    expect(await bronze.store.database.select().from(logLosses)).toMatchObject([
      { writer: WRITER, firstSequence: 2, lastSequence: 2, reason: "missing" },
    ]);
  });

  test("a segment that comes late after all is no gap", async () => {
    const all = [1, 2, 3].map((keyLow) => segmentOf(eventRecord([sampleEvent({ keyLow })])));
    bronze.log.add(WRITER, ...all);
    bronze.log.writers.get(WRITER)?.delete(2);
    await readRound(bronze.reading(), signal);
    await readRound(bronze.reading(), signal);
    bronze.log.writers.get(WRITER)?.set(2, all[1] ?? new Uint8Array());
    bronze.wallAt = plus(bronze.wallAt, 2 * GAP_PATIENCE_MS);
    await readRound(bronze.reading(), signal);
    expect(bronze.counts.events).toBe(3);
    expect(bronze.said).toEqual(["gap 2-2"]);
  });

  test("bytes that are no segment are set aside, and the others count", async () => {
    const whole = segmentOf(eventRecord([sampleEvent()]));
    const cut = whole.slice(0, -3);
    bronze.log.add(WRITER, whole, cut, segmentOf(eventRecord([sampleEvent({ keyLow: 2 })])));
    await readRound(bronze.reading(), signal);
    expect(bronze.said).toEqual(["unreadable 2-2"]);
    expect(bronze.counts.events).toBe(2);
    const aside = join(bronze.folder, "offline/bronze/unreadable", `${WRITER}-2.segment`);
    expect(new Uint8Array(await readFile(aside))).toEqual(cut);
  });

  test("a kind of record that is not known is passed over", async () => {
    const unknown = signalRecord([]);
    unknown[0] = 99;
    bronze.log.add(WRITER, segmentOf(unknown, eventRecord([sampleEvent()])));
    await readRound(bronze.reading(), signal);
    expect(bronze.counts.events).toBe(1);
    expect(bronze.said).toEqual([]);
  });

  test("writes the same bytes when a range is written again", async () => {
    const events = Array.from({ length: 5_000 }, (_, n) =>
      sampleEvent({ keyLow: n, metadata: n % 3 === 0 ? `{"n":${n}}` : "" }),
    );
    bronze.log.add(WRITER, segmentOf(eventRecord(events)));
    await readRound(bronze.reading(), signal);
    const [file = ""] = await bronze.parquetFiles();
    const path = join(bronze.folder, "offline", file);
    const first = await readFile(path);

    const again = await openOfflineStore(join(bronze.folder, "again"));
    try {
      const sink = createBronzeSink(
        again,
        () => bronze.wallAt,
        () => undefined,
      );
      await readRound({ ...bronze.reading(), database: again.database, sink }, signal);
      expect(first.equals(await readFile(join(bronze.folder, "again/offline", file)))).toBe(true);
    } finally {
      again.close();
    }
  });
});
