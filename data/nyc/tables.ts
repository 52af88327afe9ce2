import { readFile } from "node:fs/promises";
import { z } from "zod";
import type { RegionId } from "../../domain/units.ts";
import { readColumns } from "../parquet-columns.ts";

/**
 * The New York tables, as typed columns. data/README.md says what each is and where it comes from.
 */

/** Pickups by zone and slot; rows sorted by zone, then time; a slot without pickups has no row. */
export interface PickupColumns {
  readonly length: number;
  /** Location ids, all zones, not only the regions. */
  readonly zoneId: Uint16Array;
  /** Start of the slot, UTC epoch milliseconds. */
  readonly slotAt: Float64Array;
  readonly pickups: Uint16Array;
}

/** One row per hour, sorted, none missing. */
export interface WeatherColumns {
  readonly length: number;
  /** Start of the hour, UTC epoch milliseconds. */
  readonly hourAt: Float64Array;
  /** Degrees Fahrenheit. */
  readonly tempF: Float64Array;
  /** Inches in the hour. */
  readonly precipIn: Float64Array;
}

/** A taxi zone that is a region of the demo. */
export interface RegionZone {
  readonly locationId: number;
  /** `nyc-<location id>`. */
  readonly regionId: RegionId;
  readonly name: string;
  readonly borough: string;
  /** Centre of area, degrees. */
  readonly lon: number;
  readonly lat: number;
  /** Pickups over the whole of April and May 2014. */
  readonly pickups: number;
}

/** Quarter hours, 1 April to 1 June 2014, New York. */
export async function loadQuarterHourPickups(): Promise<PickupColumns> {
  const path = new URL("pickups-quarter-hour.parquet", import.meta.url);
  const { zone_id, slot_at, pickups } = await readColumns(path, ["zone_id", "slot_at", "pickups"]);
  return pickupColumnsFrom(zone_id, slot_at, pickups);
}

/** Minutes, 18 May to 1 June 2014, New York. */
export async function loadMinutePickups(): Promise<PickupColumns> {
  const path = new URL("pickups-minute.parquet", import.meta.url);
  const columns = await readColumns(path, ["zone_id", "minute_at", "pickups"]);
  return pickupColumnsFrom(columns.zone_id, columns.minute_at, columns.pickups);
}

/** The regions, busiest first. */
export async function loadZones(): Promise<RegionZone[]> {
  const text = await readFile(new URL("zones.json", import.meta.url), "utf8");
  return zoneList.parse(JSON.parse(text));
}

/** Hours, 1 April to 1 June 2014, New York; one weather for the whole city. */
export async function loadHourlyWeather(): Promise<WeatherColumns> {
  const path = new URL("weather-hourly.parquet", import.meta.url);
  const { hour_at, temp_f, precip_in } = await readColumns(path, [
    "hour_at",
    "temp_f",
    "precip_in",
  ]);
  return { length: hour_at.length, hourAt: hour_at, tempF: temp_f, precipIn: precip_in };
}

function pickupColumnsFrom(
  zoneId: Float64Array,
  slotAt: Float64Array,
  pickups: Float64Array,
): PickupColumns {
  return {
    length: zoneId.length,
    zoneId: Uint16Array.from(zoneId),
    slotAt,
    pickups: Uint16Array.from(pickups),
  };
}

const zoneList = z.array(
  z
    .object({
      location_id: z.int(),
      name: z.string(),
      borough: z.string(),
      lon: z.number(),
      lat: z.number(),
      pickups: z.int(),
    })
    .transform(
      ({ location_id, ...zone }): RegionZone => ({
        locationId: location_id,
        regionId: `nyc-${location_id}` as RegionId,
        ...zone,
      }),
    ),
);
