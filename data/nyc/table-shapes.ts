import { HOUR_MS } from "../../domain/units.ts";
import type { NumberColumn } from "../parquet-columns.ts";
import type { Period } from "./period.ts";
import type { WeatherHour } from "./source-files.ts";
import type { Zone } from "./zone-locator.ts";

/**
 * The hours inside the period as columns.
 *
 * @throws when an hour is missing or has no reading: the table promises every hour
 */
export function weatherColumns(hours: readonly WeatherHour[], period: Period): NumberColumn[] {
  const inside = hours.filter(({ hourAt }) => hourAt >= period.startAt && hourAt < period.endAt);
  for (const [index, { hourAt, tempF, precipIn }] of inside.entries()) {
    const expectedAt = period.startAt + index * HOUR_MS;
    if (hourAt !== expectedAt || !Number.isFinite(tempF) || !Number.isFinite(precipIn)) {
      throw new Error(`no weather for the hour ${new Date(expectedAt).toISOString()}`);
    }
  }
  return [
    { name: "hour_at", kind: "instant", values: inside.map(({ hourAt }) => hourAt) },
    { name: "temp_f", kind: "decimal", values: inside.map(({ tempF }) => tempF) },
    { name: "precip_in", kind: "decimal", values: inside.map(({ precipIn }) => precipIn) },
  ];
}

/**
 * One region a line, so that a change of the data reads well in a diff. Degrees to five decimals,
 * about a metre.
 */
export function zonesJson(regions: readonly (Zone & { pickups: number })[]): string {
  const lines = regions.map((region) =>
    JSON.stringify({
      location_id: region.locationId,
      name: region.name,
      borough: region.borough,
      lon: Number(region.lon.toFixed(5)),
      lat: Number(region.lat.toFixed(5)),
      pickups: region.pickups,
    }),
  );
  return `[\n${lines.join(",\n")}\n]\n`;
}
