import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { DAY_MS, MINUTE_MS, QUARTER_HOUR_MS } from "../../domain/units.ts";
import { writeColumns } from "../parquet-columns.ts";
import { CountTable, NO_ZONE } from "./count-table.ts";
import { FORTNIGHT, HISTORY } from "./period.ts";
import {
  findSource,
  readPickups,
  readWeather,
  readZoneFile,
  SOURCE_FILES,
} from "./source-files.ts";
import { weatherColumns, zonesJson } from "./table-shapes.ts";
import { zoneLocatorFrom } from "./zone-locator.ts";

/**
 * Derives the New York tables from the published files:
 *
 *     node data/nyc/build.ts --source <folder with the published files> [--out data/nyc]
 */

/** A zone with this many pickups a day is a region of the demo: fewer leave nothing to forecast. */
const REGION_PICKUPS_PER_DAY = 50;

const RIDES =
  "Uber pickups in New York, NYC Taxi & Limousine Commission records, published by FiveThirtyEight";

const { values } = parseArgs({
  options: { source: { type: "string" }, out: { type: "string", default: import.meta.dirname } },
});
if (values.source === undefined) {
  throw new Error(
    "--source must name the folder that holds the published files; see data/README.md",
  );
}
const folder = values.source;
const names = await readdir(folder, { recursive: true });
const sourcePath = (name: string) => findSource(folder, names, name);

const locator = zoneLocatorFrom(await readZoneFile(sourcePath(SOURCE_FILES.zones)));
const highestZoneId = Math.max(...locator.zones.map((zone) => zone.locationId));
const quarterHours = new CountTable(HISTORY, QUARTER_HOUR_MS, highestZoneId);
const minutes = new CountTable(FORTNIGHT, MINUTE_MS, highestZoneId);

// Positions have four decimals, so the same ones come again and again.
const zoneByPosition = new Map<string, number>();
let pickupCount = 0;
for (const archive of SOURCE_FILES.pickups) {
  for await (const { at, lon, lat } of readPickups(sourcePath(archive))) {
    const position = `${lon},${lat}`;
    let zoneId = zoneByPosition.get(position);
    if (zoneId === undefined) {
      zoneId = locator.locate(lon, lat);
      zoneByPosition.set(position, zoneId);
    }
    quarterHours.add(zoneId, at);
    minutes.add(zoneId, at);
    pickupCount += 1;
  }
}

const tables = [
  { name: "pickups-quarter-hour.parquet", columns: quarterHours.columns("slot_at"), about: RIDES },
  { name: "pickups-minute.parquet", columns: minutes.columns("minute_at"), about: RIDES },
  {
    name: "weather-hourly.parquet",
    columns: weatherColumns(await readWeather(sourcePath(SOURCE_FILES.weather)), HISTORY),
    about: "Hourly weather of New York, NOAA observations",
  },
];
await mkdir(values.out, { recursive: true });
for (const { name, columns, about } of tables) {
  await writeColumns(join(values.out, name), columns, about);
}

const regionDays = (HISTORY.endAt - HISTORY.startAt) / DAY_MS;
const regions = locator.zones
  .map((zone) => ({ ...zone, pickups: quarterHours.total(zone.locationId) }))
  .filter((zone) => zone.pickups >= REGION_PICKUPS_PER_DAY * regionDays)
  .sort((a, b) => b.pickups - a.pickups || a.locationId - b.locationId);
await writeFile(join(values.out, "zones.json"), zonesJson(regions));

const nowhere = quarterHours.total(NO_ZONE);
const inRegions = regions.reduce((sum, region) => sum + region.pickups, 0);
const report = {
  pickups: pickupCount,
  in_no_zone: nowhere,
  in_no_zone_share: Number((nowhere / pickupCount).toFixed(4)),
  regions: regions.length,
  in_regions: inRegions,
  rows: Object.fromEntries(tables.map(({ name, columns }) => [name, columns[0]?.values.length])),
};
process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
