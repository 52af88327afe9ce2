/**
 * What serves and what trains see the same features: a real day, once as a region's object lives it event by event, once
 * as the origin reads it from the shipped history.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NEW_YORK_TIME_ZONE } from "../../data/nyc/period.ts";
import { loadHourlyWeather, loadMinutePickups, loadZones } from "../../data/nyc/tables.ts";
import { FEATURE_NAMES, FEATURE_SET_VERSION } from "../../domain/features.ts";
import { DAY_MS, type EpochMs, HOUR_MS, plus, QUARTER_HOUR_MS } from "../../domain/units.ts";
import { type BookingTable, loadBookings } from "../../origin/offline/load-bookings.ts";
import { type OfflineStore, openOfflineStore } from "../../origin/offline/offline-store.ts";
import { importShippedTables } from "../../origin/offline/shipped.ts";
import { type Dataset, datasetFrom } from "../../origin/training/dataset.ts";
import { loadDemandHistory } from "../../origin/training/history-from-store.ts";
import { featureRow } from "../../origin/training/training-matrix.ts";
import golden from "../golden/features-nyc-161.json" with { type: "json" };
import { eventsOf, instantsOf, newYorkDayAt, snapshotsOf } from "../support/recorded-day.ts";

/** A Tuesday with a little rain. */
const DAY_AT = newYorkDayAt("2014-05-20");
const INSTANTS = instantsOf(DAY_AT, QUARTER_HOUR_MS);
const zones = await loadZones();
const minutes = await loadMinutePickups();
const weather = await loadHourlyWeather();

let folder: string;
let store: OfflineStore;
let earlier: BookingTable;
let offline: Dataset;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "feature-parity-"));
  store = await openOfflineStore(folder);
  await importShippedTables(store, new Date("2026-01-10T00:00:00Z"));
  const known = await loadBookings(store, DAY_AT);
  const regions = zones.map(({ regionId }) => ({ regionId, timeZone: NEW_YORK_TIME_ZONE }));
  const history = await loadDemandHistory(store, regions, plus(DAY_AT, 2 * DAY_MS));
  if (known === null || history === null) throw new Error("the shipped tables are empty");
  earlier = known;
  // The last row's targets end an hour after it.
  const untilAt = plus(DAY_AT, DAY_MS - QUARTER_HOUR_MS + HOUR_MS);
  offline = datasetFrom(history.regions, { fromAt: DAY_AT, untilAt });
}, 60_000);
afterAll(async () => {
  store.close();
  await rm(folder, { recursive: true, force: true });
});

interface Difference {
  at: string;
  feature: string;
  online: number | null;
  offline: number | null;
}

/** Where a snapshot's features are not, to the last bit of a float32, those of a training row. */
function differences(
  asOf: EpochMs,
  online: readonly (number | null)[],
  row: Float32Array,
): Difference[] {
  return FEATURE_NAMES.flatMap((feature, i) => {
    const trained = row[i] ?? Number.NaN;
    const expected = Number.isNaN(trained) ? null : trained;
    const served = online[i] ?? null;
    if (Object.is(served, expected)) return [];
    return [{ at: new Date(asOf).toISOString(), feature, online: served, offline: expected }];
  });
}

describe("over a day of New York", () => {
  test("training has a row for every quarter hour of every zone", () => {
    expect(offline.origins).toEqual(INSTANTS);
    expect(offline.regions.map(({ regionId }) => regionId)).toEqual(
      zones.map(({ regionId }) => regionId),
    );
    expect(zones.length).toBeGreaterThanOrEqual(12);
  });

  test.each(zones.map((zone, place) => ({ zone, place, name: zone.name, id: zone.regionId })))(
    "$id, $name, is served the features it is trained on",
    ({ zone, place }) => {
      const day = { dayAt: DAY_AT, zone, timeZone: NEW_YORK_TIME_ZONE, earlier, minutes, weather };
      const snapshots = snapshotsOf(day, INSTANTS);
      const found = snapshots.flatMap(({ asOf, features }, index) => {
        expect(features).toHaveLength(FEATURE_NAMES.length);
        const row = featureRow(offline.matrix, index * zones.length + place);
        return differences(asOf, features, row);
      });
      expect(found).toEqual([]);
      // The day was not empty: what its windows saw adds up to its pickups.
      const bookings = eventsOf(day).filter(({ eventType }) => eventType === "booking").length;
      const seen = snapshots.reduce((sum, { signals }) => sum + signals.bookingCount15m, 0);
      expect(bookings).toBeGreaterThan(0);
      expect(seen).toBeLessThanOrEqual(bookings);
      expect(seen).toBeGreaterThan(0);
    },
  );
});

/** Computed once by hand from the tables, not by the function that is tested: a new meaning needs a new version. */
describe(`the features of ${golden.regionId}`, () => {
  test("are named as the version that models are trained on names them", () => {
    expect(golden.featureSetVersion).toBe(FEATURE_SET_VERSION);
    for (const { features } of golden.rows) expect(Object.keys(features)).toEqual(FEATURE_NAMES);
  });

  test("are what they were at the instants of the golden file, also off the quarter hour", () => {
    const zone = zones.find(({ regionId }) => regionId === golden.regionId);
    if (zone === undefined) throw new Error(`no zone ${golden.regionId}`);
    expect(newYorkDayAt(golden.day)).toBe(DAY_AT);
    const day = { dayAt: DAY_AT, zone, timeZone: NEW_YORK_TIME_ZONE, earlier, minutes, weather };
    const instants = golden.rows.map(({ at }) => Date.parse(at) as EpochMs);
    for (const [index, { features }] of snapshotsOf(day, instants).entries()) {
      const expected = Object.entries(golden.rows[index]?.features ?? {});
      const wrong = expected.flatMap(([name, value], place) => {
        const served = features[place] ?? null;
        const same =
          served === null || value === null
            ? served === value
            : Math.abs(served - value) <= 1e-6 * Math.max(1, Math.abs(value));
        return same ? [] : [{ at: golden.rows[index]?.at, name, value, served }];
      });
      expect(wrong).toEqual([]);
    }
  });
});
