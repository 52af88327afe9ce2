import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { epochMs, QUARTER_HOUR_MS, type RegionId } from "../../domain/units.ts";
import { importRows } from "../../origin/offline/import-rows.ts";
import { loadBookingHistory, loadBookings } from "../../origin/offline/load-bookings.ts";
import { type OfflineStore, openOfflineStore } from "../../origin/offline/offline-store.ts";
import { type Format, sourceFrom } from "../../origin/offline/source.ts";

const NOW = new Date("2026-01-10T00:00:00Z");
const REGION = "a-1" as RegionId;
const DAY_AT = Date.UTC(2026, 0, 5);
const slotAt = (slot: number) => epochMs(DAY_AT + slot * QUARTER_HOUR_MS);
const slotText = (slot: number) => new Date(slotAt(slot)).toISOString();

let folder: string;
let store: OfflineStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "offline-store-"));
  store = await openOfflineStore(folder);
});
afterEach(async () => {
  store.close();
  await rm(folder, { recursive: true, force: true });
});

async function importText(text: string, name = "rows.csv", format: Format = "csv") {
  const path = join(folder, name);
  await writeFile(path, text);
  return importRows(store, sourceFrom("bookings", path, format), NOW);
}

/** CSV of bookings by region and slot. */
const csvOf = (rows: readonly [string, number, number][]) =>
  [
    "region_id,slot_at,bookings",
    ...rows.map(([region, slot, bookings]) => `${region},${slotText(slot)},${bookings}`),
  ].join("\n");

const partitions = async () =>
  (await readdir(join(folder, "offline"), { recursive: true })).filter((name) =>
    name.endsWith(".parquet"),
  );

describe("importRows()", () => {
  test("reads CSV, JSON lines and Parquet alike", async () => {
    await importText(csvOf([["a-1", 0, 3]]));
    await importText(
      `{"region_id":"a-1","slot_at":"${slotText(1)}","bookings":4}\n`,
      "rows.jsonl",
      "jsonl",
    );
    const parquet = join(folder, "rows.parquet");
    await store.duckdb.run(
      `COPY (SELECT 'a-1' AS region_id, TIMESTAMP '2026-01-05 00:30:00' AS slot_at, 5 AS bookings)
       TO '${parquet}' (FORMAT parquet)`,
    );
    await importRows(store, sourceFrom("bookings", parquet, "parquet"), NOW);
    const history = await loadBookingHistory(store, REGION, slotAt(96));
    expect([0, 1, 2].map((slot) => history?.between(slotAt(slot), slotAt(slot + 1)))).toEqual([
      3, 4, 5,
    ]);
  });

  test("takes the same bytes once, under whatever name", async () => {
    const text = csvOf([["a-1", 0, 3]]);
    expect(await importText(text)).toMatchObject({ rows: 1, known: false });
    const before = await partitions();
    expect(await importText(text, "again.csv")).toMatchObject({ rows: 1, known: true });
    expect(await partitions()).toEqual(before);
  });

  test("writes one hive partition a date", async () => {
    await importText(
      csvOf([
        ["a-1", 0, 1],
        ["a-1", 96, 2],
        ["b-1", 97, 3],
      ]),
    );
    expect((await partitions()).sort()).toEqual([
      "bookings/date=2026-01-05/import-1-0.parquet",
      "bookings/date=2026-01-06/import-1-0.parquet",
    ]);
  });

  test.each([
    ["a slot off the quarter hour", "a-1,2026-01-05T00:01:00Z,1", "bad_rows"],
    ["a region id in capitals", "A-1,2026-01-05T00:00:00Z,1", "bad_rows"],
    ["a negative count", "a-1,2026-01-05T00:00:00Z,-1", "bad_rows"],
    ["a missing count", "a-1,2026-01-05T00:00:00Z,", "bad_rows"],
    ["text for a count", "a-1,2026-01-05T00:00:00Z,many", "unreadable"],
    ["a slot twice", "a-1,2026-01-05T00:00:00Z,1\na-1,2026-01-05T01:00:00+01:00,2", "bad_rows"],
    ["no row at all", "", "empty"],
  ])("refuses a file with %s, and keeps none of it", async (_, rows, reason) => {
    const good = "a-1,2026-01-05T02:00:00Z,1\n";
    const text = `region_id,slot_at,bookings\n${rows === "" ? "" : good}${rows}\n`;
    expect(await importText(text)).toMatchObject({ reason });
    expect(await loadBookings(store, slotAt(96))).toBeNull();
    // The place of the refused import is the next one's.
    expect(await importText(csvOf([["a-1", 0, 3]]), "good.csv")).toMatchObject({ known: false });
  });

  test("names the columns it needs when one is missing", async () => {
    const fault = await importText("region_id,slot_at\na-1,2026-01-05T00:00:00Z\n");
    expect(fault).toMatchObject({
      reason: "unreadable",
      detail: expect.stringContaining("region_id, slot_at, bookings"),
    });
  });

  test("says so when there is no such file", async () => {
    const source = sourceFrom("bookings", join(folder, "missing.csv"), "csv");
    expect(await importRows(store, source, NOW)).toMatchObject({ reason: "unreadable" });
  });

  test("leaves out files of an import that never ended, and removes them with the next", async () => {
    await importText(csvOf([["a-1", 0, 3]]));
    await store.duckdb.run(
      `COPY (SELECT 'a-1' AS region_id, TIMESTAMP '2026-01-05 00:00:00' AS slot_at,
               99 AS bookings, 2 AS import_sequence, DATE '2026-01-05' AS date)
       TO '${folder}/offline/bookings' (FORMAT parquet, PARTITION_BY (date),
               FILENAME_PATTERN 'import-2-{i}', OVERWRITE_OR_IGNORE)`,
    );
    const read = async () =>
      (await loadBookingHistory(store, REGION, slotAt(1)))?.between(slotAt(0), slotAt(1));
    expect(await read()).toBe(3);
    await importText(csvOf([["b-1", 96, 1]]), "next.csv");
    expect(await read()).toBe(3);
  });
});

describe("loadBookings()", () => {
  test("knows nothing of what had not ended by then", async () => {
    const rows = fc.uniqueArray(fc.tuple(fc.constantFrom("a-1", "b-1"), fc.nat(200), fc.nat(50)), {
      selector: ([region, slot]) => `${region} ${slot}`,
      minLength: 1,
      maxLength: 40,
    });
    await fc.assert(
      fc.asyncProperty(rows, fc.nat(210), fc.nat(899_999), async (all, slot, restMs) => {
        const own = await openOfflineStore(await mkdtemp(join(folder, "run-")));
        try {
          const path = join(folder, "property.csv");
          await writeFile(path, csvOf(all));
          await importRows(own, sourceFrom("bookings", path, "csv"), NOW);
          const table = await loadBookings(own, epochMs(slotAt(slot) + restMs));
          const known = all.filter(([, at]) => at < slot);
          const sum = (counts: Iterable<number>) => [...counts].reduce((a, b) => a + b, 0);
          const loaded = [...(table?.countsByRegion.values() ?? [])].map(sum);
          expect(sum(loaded)).toBe(sum(known.map(([, , bookings]) => bookings)));
          const firstSlot = Math.min(...all.map(([, at]) => at));
          const lastSlot = Math.max(...all.map(([, at]) => at));
          expect(table?.slots ?? 0).toBe(Math.max(0, Math.min(slot, lastSlot + 1) - firstSlot));
        } finally {
          own.close();
        }
      }),
      { numRuns: 15 },
    );
  });

  test("lets a later import replace what an earlier one said of a slot, and nothing else", async () => {
    await importText(
      csvOf([
        ["a-1", 0, 3],
        ["a-1", 1, 4],
      ]),
    );
    await importText(csvOf([["a-1", 1, 7]]), "correction.csv");
    const history = await loadBookingHistory(store, REGION, slotAt(2));
    expect(history?.between(slotAt(0), slotAt(1))).toBe(3);
    expect(history?.between(slotAt(1), slotAt(2))).toBe(7);
  });

  test("gives every region the same stretch, with zeros where it had no bookings", async () => {
    await importText(
      csvOf([
        ["a-1", 2, 5],
        ["b-1", 0, 1],
      ]),
    );
    const table = await loadBookings(store, slotAt(96));
    expect(table).toMatchObject({ startAt: slotAt(0), slots: 3 });
    expect(table?.countsByRegion.get(REGION)).toEqual(Uint32Array.of(0, 0, 5));
  });

  test("is null while nothing is known", async () => {
    expect(await loadBookings(store, slotAt(96))).toBeNull();
    await importText(csvOf([["a-1", 4, 1]]));
    expect(await loadBookings(store, slotAt(4))).toBeNull();
  });
});
