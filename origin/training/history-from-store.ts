import { type Context, NO_CONTEXT, VALIDITY_MS } from "../../domain/context.ts";
import type { Region } from "../../domain/region.ts";
import { type EpochMs, floorTo, HOUR_MS, plus } from "../../domain/units.ts";
import { historyOf, latestImport, loadBookings } from "../offline/load-bookings.ts";
import { entityFolder, literal, type OfflineStore } from "../offline/offline-store.ts";
import type { DemandHistory } from "./demand-history.ts";

/** The hours of one place by their start. */
type WeatherHours = ReadonlyMap<number, Context>;

/** What the offline store knew of some regions at `until`; null when it has no bookings. */
export async function loadDemandHistory(
  store: OfflineStore,
  regions: readonly Pick<Region, "regionId" | "timeZone">[],
  until: EpochMs,
): Promise<DemandHistory | null> {
  const bookings = await loadBookings(store, until);
  if (bookings === null) return null;
  const weather = await loadWeather(store);
  return {
    regions: regions.map(({ regionId, timeZone }) => {
      const [place = ""] = regionId.split("-", 1);
      const hours = weather.get(place);
      return {
        regionId,
        timeZone,
        bookings: historyOf(bookings, regionId),
        contextAt: (asOf) => contextAt(hours, asOf),
      };
    }),
  };
}

/** An hour's reading was known from its start, and stands until the next one or until it is too old. */
function contextAt(hours: WeatherHours | undefined, asOf: EpochMs): Context {
  const hourAt = floorTo(asOf, HOUR_MS);
  return hours?.get(hourAt) ?? hours?.get(hourAt - HOUR_MS) ?? NO_CONTEXT;
}

async function loadWeather(store: OfflineStore): Promise<Map<string, Map<number, Context>>> {
  const places = new Map<string, Map<number, Context>>();
  const latest = await latestImport(store, "weather");
  if (latest === null) return places;
  const files = `${entityFolder(store, "weather")}/*/*.parquet`;
  const result = await store.duckdb.runAndReadAll(
    `SELECT
       place,
       epoch_ms(hour_at)::DOUBLE AS hour_at,
       arg_max(temp_f, import_sequence)::DOUBLE AS temp_f,
       arg_max(precip_in, import_sequence)::DOUBLE AS precip_in
     FROM read_parquet(${literal(files)}, hive_partitioning = true)
     WHERE import_sequence <= $latest
     GROUP BY ALL`,
    { latest },
  );
  for (const [place, hourAt, tempF, precipIn] of result.getRows()) {
    const observedAt = Number(hourAt) as EpochMs;
    const hours = places.get(String(place)) ?? new Map<number, Context>();
    places.set(String(place), hours);
    hours.set(observedAt, {
      ...NO_CONTEXT,
      weather: {
        value: { tempF: Number(tempF), precipIn: Number(precipIn) },
        observedAt,
        validUntil: plus(observedAt, VALIDITY_MS.weather),
      },
    });
  }
  return places;
}
