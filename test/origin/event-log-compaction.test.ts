import { mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DAY_MS, type EpochMs, HOUR_MS, MINUTE_MS, plus } from "../../domain/units.ts";
import { bronzeFiles } from "../../origin/database/schema.ts";
import { createBronzeSink } from "../../origin/event-log/bronze-sink.ts";
import { compactBronze } from "../../origin/event-log/compact-bronze.ts";
import { createLogViews } from "../../origin/event-log/log-views.ts";
import { readRound } from "../../origin/event-log/read-round.ts";
import { sweepBronze } from "../../origin/event-log/sweep-bronze.ts";
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

const SEGMENTS = 6;
const TOMORROW = plus(LOG_NOON, DAY_MS);
const { signal } = new AbortController();

let folder: string;
let store: OfflineStore;
let wallAt: EpochMs;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "compaction-"));
  store = await openOfflineStore(folder);
  wallAt = LOG_NOON;
  const log = new LogInMemory();
  for (let n = 1; n <= SEGMENTS; n++) {
    const event = eventRecord([sampleEvent({ keyLow: n })], plus(LOG_NOON, n));
    log.add("outbox-0-7", segmentOf(event, signalRecord([sampleSignal({ revision: n })])));
  }
  const wallNow = () => wallAt;
  const reading = {
    ...{ reader: "bronze" as const, client: log, database: store.database, wallNow },
    sink: createBronzeSink(store, wallNow, () => undefined),
    bounds: { maxBytes: 1, maxSegments: 1 },
    onGap: () => undefined,
    onLoss: () => undefined,
  };
  for (let n = 0; n < SEGMENTS; n++) await readRound(reading, signal);
});
afterEach(async () => {
  store.close();
  await rm(folder, { recursive: true, force: true });
});

const compact = (eventNow: EpochMs) => compactBronze(store, eventNow, () => wallAt, signal);

async function keys(): Promise<unknown[]> {
  await createLogViews(store);
  const rows = await store.duckdb.runAndReadAll(
    "SELECT right(key, 1) AS key FROM bronze_events ORDER BY received_at",
  );
  return rows.getRowObjectsJson().map(({ key }) => Number(key));
}

async function parquetFiles(): Promise<string[]> {
  const all = await readdir(join(folder, "offline"), { recursive: true });
  return all.filter((name) => name.endsWith(".parquet"));
}

const ALL_KEYS = Array.from({ length: SEGMENTS }, (_, n) => n + 1);

describe("compactBronze()", () => {
  test("leaves a day alone that is not over", async () => {
    expect(await compact(plus(LOG_NOON, HOUR_MS))).toEqual([]);
    // Midnight is past, but segments of the day may still come.
    expect(await compact(plus(LOG_NOON, 12 * HOUR_MS + MINUTE_MS))).toEqual([]);
  });

  test("makes one file of a day's, with the same rows", async () => {
    const done = await compact(TOMORROW);
    const whole = { date: "2026-01-11", files: SEGMENTS, rows: SEGMENTS };
    expect(done).toEqual([
      { entity: "signals", topic: "", ...whole },
      { entity: "events", topic: "user-events", ...whole },
    ]);
    expect(await keys()).toEqual(ALL_KEYS);
    expect(await compact(TOMORROW)).toEqual([]);
  });

  test("replaced files stay for those who read them, and then go", async () => {
    await compact(TOMORROW);
    expect(await sweepBronze(store, wallAt)).toBe(0);
    expect(await parquetFiles()).toHaveLength(2 * (SEGMENTS + 1));
    wallAt = plus(wallAt, 11 * MINUTE_MS);
    expect(await sweepBronze(store, wallAt)).toBe(2 * SEGMENTS);
    expect(await parquetFiles()).toHaveLength(2);
    expect(await store.database.select().from(bronzeFiles)).toHaveLength(2);
    expect(await keys()).toEqual(ALL_KEYS);
  });

  test("after a crash before its rows it is done again under the same name", async () => {
    const before = await store.database.select().from(bronzeFiles);
    await compact(TOMORROW);
    const named = (await store.database.select().from(bronzeFiles)).map(({ path }) => path);
    // As if the rows had never been committed.
    await store.database.delete(bronzeFiles);
    await store.database.insert(bronzeFiles).values(before);
    expect(await keys()).toEqual(ALL_KEYS);
    await compact(TOMORROW);
    const again = (await store.database.select().from(bronzeFiles)).map(({ path }) => path);
    expect(again.sort()).toEqual(named.sort());
    expect(await keys()).toEqual(ALL_KEYS);
  });

  test("two that meet do it once", async () => {
    const both = await Promise.allSettled([compact(TOMORROW), compact(TOMORROW)]);
    expect(both.some(({ status }) => status === "fulfilled")).toBe(true);
    expect(await keys()).toEqual(ALL_KEYS);
  });

  test("compacts what comes late for a day together with the rest", async () => {
    await compact(TOMORROW);
    const log = new LogInMemory();
    log.add("outbox-1-9", segmentOf(eventRecord([sampleEvent({ keyLow: 9 })], plus(LOG_NOON, 99))));
    await readRound(
      {
        ...{ reader: "bronze", client: log, database: store.database, wallNow: () => wallAt },
        sink: createBronzeSink(
          store,
          () => wallAt,
          () => undefined,
        ),
        bounds: { maxBytes: 1, maxSegments: 1 },
        onGap: () => undefined,
        onLoss: () => undefined,
      },
      signal,
    );
    expect(await compact(TOMORROW)).toMatchObject([{ files: 2, rows: SEGMENTS + 1 }]);
    expect(await keys()).toEqual([...ALL_KEYS, 9]);
  });
});

describe("sweepBronze()", () => {
  test("finds nothing where nothing was imported", async () => {
    const empty = { ...store, folder: join(folder, "empty") };
    expect(await sweepBronze(empty, wallAt)).toBe(0);
  });

  test("deletes what a crash left, and nothing that is being written", async () => {
    const day = join(folder, "offline/bronze/events/topic=user-events/date=2026-01-11");
    const [left, fresh] = [join(day, "left.parquet.123.part"), join(day, "fresh.parquet")];
    for (const path of [left, fresh]) await writeFile(path, "half a file");
    const longAgo = new Date(wallAt - 2 * HOUR_MS);
    await utimes(left, longAgo, longAgo);
    await utimes(fresh, new Date(wallAt), new Date(wallAt));
    expect(await sweepBronze(store, wallAt)).toBe(1);
    expect(await readdir(day)).toContain("fresh.parquet");
    expect(await readdir(day)).not.toContain("left.parquet.123.part");
  });
});
