/** The New York tables that come with the project, as imports. */
import { fileURLToPath } from "node:url";
import { loadZones } from "../../data/nyc/tables.ts";
import { type ImportFault, type ImportReport, importRows } from "./import-rows.ts";
import { literal, type OfflineStore } from "./offline-store.ts";
import type { ImportSource } from "./source.ts";

const pathOf = (name: string) => fileURLToPath(new URL(`../../data/nyc/${name}`, import.meta.url));

/** Pickups of the zones that are regions, and the city's weather. */
async function shippedSources(): Promise<ImportSource[]> {
  const zoneIds = (await loadZones()).map((zone) => zone.locationId);
  const pickups = pathOf("pickups-quarter-hour.parquet");
  const weather = pathOf("weather-hourly.parquet");
  return [
    {
      entity: "bookings",
      path: pickups,
      query: `SELECT 'nyc-' || zone_id AS region_id, slot_at, pickups AS bookings
        FROM read_parquet(${literal(pickups)}) WHERE zone_id IN (${zoneIds})`,
    },
    {
      entity: "weather",
      path: weather,
      query: `SELECT 'nyc' AS place, hour_at, temp_f, precip_in FROM read_parquet(${literal(weather)})`,
    },
  ];
}

/** Imports the shipped tables; those that were imported before are left alone. */
export async function importShippedTables(
  store: OfflineStore,
  importedAt: Date,
): Promise<(ImportReport | ImportFault)[]> {
  const reports: (ImportReport | ImportFault)[] = [];
  for (const source of await shippedSources()) {
    reports.push(await importRows(store, source, importedAt));
  }
  return reports;
}
