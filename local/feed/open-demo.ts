import { NEW_YORK_TIME_ZONE } from "../../data/nyc/period.ts";
import {
  loadHourlyWeather,
  loadMinutePickups,
  loadQuarterHourPickups,
  loadZones,
} from "../../data/nyc/tables.ts";
import type { EpochMs } from "../../domain/units.ts";
import type { EventSource } from "./batch.ts";
import type { FeedConfiguration } from "./configuration.ts";
import { Simulation } from "./simulate.ts";
import { SyntheticLoad } from "./synthetic/synthetic-load.ts";

/** What a demo plays from `startAt` on, in the regions of the shipped tables. */
export async function openDemo(
  demo: FeedConfiguration["demo"],
  seed: number,
  startAt: EpochMs,
): Promise<EventSource> {
  const zones = await loadZones();
  if (demo.name === "synthetic") {
    const regionIds = zones.map(({ regionId }) => regionId);
    const { eventsPerS } = demo;
    return new SyntheticLoad({ seed, regionIds, timeZone: NEW_YORK_TIME_ZONE, eventsPerS });
  }
  const [minutes, quarterHours, weather] = await Promise.all([
    loadMinutePickups(),
    loadQuarterHourPickups(),
    loadHourlyWeather(),
  ]);
  return new Simulation({ seed, startAt, zones, minutes, quarterHours, weather });
}
