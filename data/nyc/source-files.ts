import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { unzipSync } from "fflate";
import { NEW_YORK_TO_UTC_MS } from "./period.ts";

/** Readers of the published files the tables are derived from. */

/** The published names; data/README.md says where each comes from. */
export const SOURCE_FILES = {
  pickups: ["uber-raw-data-apr14.zip", "uber-raw-data-may14.zip"],
  zones: "taxi_zones.geo.json.gz",
  weather: "nyc_hourly_temp_precip_energy_2012_2017.csv.gz",
} as const;

export interface Pickup {
  /** UTC epoch milliseconds, to the minute: finer the source does not go. */
  readonly at: number;
  readonly lon: number;
  readonly lat: number;
}

export interface WeatherHour {
  /** UTC epoch milliseconds of the hour's start. */
  readonly hourAt: number;
  readonly tempF: number;
  readonly precipIn: number;
}

/**
 * The path of a source file anywhere under the folder.
 *
 * @throws when it is not among `names`
 */
export function findSource(folder: string, names: readonly string[], wanted: string): string {
  const found = names.find((name) => basename(name) === wanted);
  if (found === undefined)
    throw new Error(`${wanted} is not in ${folder}; data/README.md says where to get it`);
  return join(folder, found);
}

/** Pickups of one monthly archive: CSV `"Date/Time","Lat","Lon","Base"`, New York wall time. */
export async function* readPickups(zipPath: string): AsyncGenerator<Pickup> {
  const entries = Object.entries(unzipSync(await readFile(zipPath)));
  for (const [name, bytes] of entries.filter(([entry]) => entry.endsWith(".csv"))) {
    const [, ...lines] = new TextDecoder().decode(bytes).trimEnd().split("\n");
    for (const [index, line] of lines.entries()) {
      const [wallTime = "", lat, lon] = line.split(",");
      const match = /^"(\d+)\/(\d+)\/(\d+) (\d+):(\d+):\d+"$/.exec(wallTime);
      if (match === null) throw new Error(`${name}, line ${index + 2}: no time in ${line}`);
      const [month = 0, day = 0, year = 0, hour = 0, minute = 0] = match.slice(1).map(Number);
      const at = Date.UTC(year, month - 1, day, hour, minute) + NEW_YORK_TO_UTC_MS;
      yield { at, lon: Number(lon), lat: Number(lat) };
    }
  }
}

export async function readZoneFile(path: string): Promise<unknown> {
  return JSON.parse(gunzipSync(await readFile(path)).toString("utf8"));
}

/**
 * Hours of weather: CSV `timeStamp,demand,precip,temp`, New York wall time.
 *
 * The file does not say whether its hours follow daylight saving time. They do: over 2012-2015 the
 * warmest hour of the day moves back on the clock when it is set back in November (16.1 to 15.0) and
 * on in March, as it would not in standard time; and in April and May the temperature turns at
 * sunrise by the wall clock.
 */
export async function readWeather(path: string): Promise<WeatherHour[]> {
  const [, ...lines] = gunzipSync(await readFile(path))
    .toString("utf8")
    .trimEnd()
    .split("\n");
  return lines
    .map((line) => {
      const [wallTime = "", , precip, temp] = line.split(",");
      const hourAt = Date.parse(`${wallTime.replace(" ", "T")}Z`) + NEW_YORK_TO_UTC_MS;
      return { hourAt, tempF: Number(temp), precipIn: Number(precip) };
    })
    .sort((a, b) => a.hourAt - b.hourAt);
}
