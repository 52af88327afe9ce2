import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { unzipSync } from "fflate";

/** The published bookings as tables of a DuckDB in memory: what every script of this folder starts from. */

/** The published name; data/README.md says where it comes from. */
const ARCHIVE = "hotel_bookings.csv.zip";
const CSV = "hotel_bookings.csv";

/**
 * `bookings`: all 119,390, each with `hotel` (0 city, 1 resort), `arrival`, `booked` (arrival less lead time), `nights`, `lost`
 * (cancelled or not turned up) and `lost_on`.
 */
const BOOKINGS = `
  CREATE TABLE bookings AS
  SELECT *, arrival - lead_time_days AS booked FROM (
    SELECT
      row_number() OVER () AS id,
      (hotel = 'Resort Hotel')::INT AS hotel,
      strptime(concat_ws(' ', arrival_date_day_of_month, arrival_date_month, arrival_date_year), '%d %B %Y')::DATE AS arrival,
      lead_time::INT AS lead_time_days,
      (stays_in_weekend_nights + stays_in_week_nights)::INT AS nights,
      reserved_room_type AS room,
      market_segment AS segment,
      customer_type AS customer,
      adr::DOUBLE AS adr,
      is_canceled = 1 AS lost,
      reservation_status_date::DATE AS lost_on
    FROM read_csv($csv, nullstr = 'NULL', types = {'children': 'VARCHAR'}))`;

const ROOM_NIGHTS = `
  CREATE TABLE room_nights AS
  SELECT id, hotel, booked, lost, lost_on, adr, (arrival + night::INT)::DATE AS night
  FROM bookings, unnest(range(nights)) AS stay(night)`;

/** `nights`: what became of each night. `rooms_sold` are rooms that were slept in. */
const NIGHTS = `
  CREATE TABLE nights AS
  SELECT
    hotel, night,
    (count(*) FILTER (NOT lost))::INT AS rooms_sold,
    (count(*) FILTER (lost))::INT AS rooms_cancelled,
    coalesce(avg(adr) FILTER (NOT lost AND adr > 0), 0) AS adr
  FROM room_nights GROUP BY ALL`;

/** A hotel has as many rooms as it ever sold in a night. */
const ROOMS =
  "CREATE TABLE rooms AS SELECT hotel, max(rooms_sold) AS rooms FROM nights GROUP BY ALL";

/** Rooms of each night on the books after each day on which that changed. */
const ON_THE_BOOKS = `
  CREATE TABLE on_the_books AS
  SELECT hotel, night, day, sum(sum(change)) OVER (PARTITION BY hotel, night ORDER BY day) AS taken
  FROM (
    SELECT hotel, night, booked AS day, 1 AS change FROM room_nights
    UNION ALL
    SELECT hotel, night, greatest(lost_on, booked), -1 FROM room_nights WHERE lost)
  GROUP BY hotel, night, day`;

/**
 * `priced`: the bookings that a public price made: single guests who booked online or with the hotel itself and came. Groups,
 * companies, contracts and tour operators pay what was agreed. `occupancy` is the share of rooms on the books for the nights of
 * the stay at the end of the day before it was booked.
 */
const PRICED = `
  CREATE TABLE priced AS
  SELECT
    b.id, any_value(b.hotel) AS hotel, any_value(room) AS room, any_value(arrival) AS arrival,
    any_value(lead_time_days) AS lead_time_days, any_value(b.adr) AS adr,
    least(1, avg(coalesce(taken, 0) / rooms)) AS occupancy
  FROM bookings b
  JOIN room_nights n USING (id)
  JOIN rooms ON rooms.hotel = b.hotel
  ASOF LEFT JOIN on_the_books o ON o.hotel = n.hotel AND o.night = n.night AND n.booked - 1 >= o.day
  WHERE NOT b.lost AND segment IN ('Online TA', 'Direct') AND customer = 'Transient' AND b.adr BETWEEN 10 AND 600
  GROUP BY b.id`;

/** @throws when the archive is not under `folder` */
export async function openPublishedBookings(folder: string): Promise<DuckDBConnection> {
  const names = await readdir(folder, { recursive: true });
  const archive = names.find((name) => basename(name) === ARCHIVE);
  if (archive === undefined)
    throw new Error(`${ARCHIVE} is not in ${folder}; data/README.md says where to get it`);
  const csv = unzipSync(await readFile(join(folder, archive)), {
    filter: ({ name }) => name === CSV,
  })[CSV];
  if (!csv) throw new Error(`${archive} holds no ${CSV}`);
  const temporary = await mkdtemp(join(tmpdir(), "hotel-"));
  try {
    const path = join(temporary, CSV);
    await writeFile(path, csv);
    const connection = await (await DuckDBInstance.create(":memory:")).connect();
    await connection.run(BOOKINGS, { csv: path });
    for (const table of [ROOM_NIGHTS, NIGHTS, ROOMS, ON_THE_BOOKS, PRICED])
      await connection.run(table);
    return connection;
  } finally {
    await rm(temporary, { recursive: true });
  }
}
