import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { DuckDBConnection } from "@duckdb/node-api";
import { type ColumnKind, writeColumns } from "../parquet-columns.ts";
import { LEAD_TIME_FROM_DAYS } from "./lead-times.ts";
import { openPublishedBookings } from "./published-bookings.ts";

/**
 * Derives the hotel tables from the published bookings:
 *
 *     node data/hotel/build.ts --source <folder with hotel_bookings.csv.zip> [--out data/hotel]
 */

const ABOUT =
  "Bookings of two hotels in Portugal, July 2015 to August 2017: Antonio, de Almeida, Nunes (2019), CC BY 4.0";

const NIGHTS = `
  SELECT hotel, epoch_ms(night)::DOUBLE AS night_at, rooms_sold, rooms_cancelled,
    round(rooms_sold / rooms, 4) AS occupancy, round(adr, 2) AS adr
  FROM nights JOIN rooms USING (hotel) ORDER BY hotel, night`;

/** Bookings at a public price, counted by what the price may depend on. */
const BOOKINGS = `
  SELECT
    hotel, ascii(room) - ascii('A') AS room,
    year(arrival) * 12 + month(arrival) - 1 AS arrival_month, isodow(arrival) AS arrival_weekday,
    ${leadTimeGroup("lead_time_days")} AS lead_time_group,
    least(9, floor(occupancy * 10))::INT AS occupancy_tenth,
    count(*)::INT AS bookings,
    round(sum(adr))::INT AS adr_sum, round(sum(adr * adr))::INT AS adr_square_sum
  FROM priced WHERE room IN ('A', 'D', 'E') GROUP BY ALL ORDER BY ALL`;

const TABLES: { name: string; query: string; kinds: Record<string, ColumnKind> }[] = [
  {
    name: "nights.parquet",
    query: NIGHTS,
    kinds: { night_at: "instant", occupancy: "decimal", adr: "decimal" },
  },
  { name: "bookings.parquet", query: BOOKINGS, kinds: {} },
];

const { values } = parseArgs({
  options: { source: { type: "string" }, out: { type: "string", default: import.meta.dirname } },
});
if (values.source === undefined) {
  throw new Error(
    "--source must name the folder that holds the published file; see data/README.md",
  );
}
const connection = await openPublishedBookings(values.source);
await mkdir(values.out, { recursive: true });
const report: Record<string, number> = {};
for (const { name, query, kinds } of TABLES) {
  report[name] = await writeTable(connection, join(values.out, name), query, kinds);
}
process.stdout.write(`${JSON.stringify({ rows: report }, null, 2)}\n`);

async function writeTable(
  from: DuckDBConnection,
  path: string,
  query: string,
  kinds: Record<string, ColumnKind>,
): Promise<number> {
  const reader = await from.runAndReadAll(query);
  const columns = Object.entries(reader.getColumnsObject()).map(([name, column]) => ({
    name,
    kind: kinds[name] ?? "integer",
    values: column.map(Number),
  }));
  await writeColumns(path, columns, ABOUT);
  return reader.currentRowCount;
}

function leadTimeGroup(column: string): string {
  const cases = LEAD_TIME_FROM_DAYS.map((from, group) => `WHEN ${column} >= ${from} THEN ${group}`);
  return `CASE ${cases.toReversed().join(" ")} END`;
}
