import { parseArgs } from "node:util";
import { AGREEMENT_HEADING, AgreementSums, agreementText } from "../agreement.ts";
import { loadPack } from "../pack-plans.ts";
import { packRateOf, type Stay } from "./pack-rate.ts";
import { openPublishedBookings } from "./published-bookings.ts";
import { HOTELS, type Hotel, type RoomLetter } from "./tables.ts";

/**
 * Prices each real booking by rules/packs/hospitality.yaml and compares with the rate that was paid:
 *
 *     node data/hotel/backtest.ts --source <folder with hotel_bookings.csv.zip> [--json]
 *
 * Beside the pack stand two simple ways to set rates from the same past: the average rate of the room, and of the room in the month.
 */

/** The pack is fitted to what lies before. */
const JUDGED_FROM_YEAR = 2017;

const QUERY = `
  SELECT hotel, room, year(arrival) AS year, month(arrival) AS month, isodow(arrival) AS weekday,
    lead_time_days, occupancy, adr
  FROM priced WHERE room IN ('A', 'D', 'E') ORDER BY id`;

interface Booking extends Stay {
  year: number;
  adr: number;
}

const { values } = parseArgs({
  options: { source: { type: "string" }, json: { type: "boolean", default: false } },
});
if (values.source === undefined) {
  throw new Error(
    "--source must name the folder that holds the published file; see data/README.md",
  );
}
const document = await loadPack("hospitality");
const bookings = await loadBookings(values.source);
const past = bookings.filter(({ year }) => year < JUDGED_FROM_YEAR);
const byRoom = averageRates(past, ({ hotel, room }) => `${hotel} ${room}`);
const byMonth = averageRates(past, ({ hotel, room, month }) => `${hotel} ${room} ${month}`);

const sums = new Map<string, AgreementSums>();
for (const booking of bookings) {
  const { year, hotel, room, month, adr } = booking;
  const isJudged = year >= JUDGED_FROM_YEAR;
  const period = isJudged ? String(JUDGED_FROM_YEAR) : `before ${JUDGED_FROM_YEAR}, fitted`;
  const { rate, isCapped } = packRateOf(document, booking);
  for (const scope of [hotel, "both"]) {
    sumsOf(`${period}, ${scope}: pack`).add(adr, rate, isCapped);
    if (!isJudged) continue;
    sumsOf(`${period}, ${scope}: room`).add(adr, byRoom.get(`${hotel} ${room}`) ?? rate, false);
    const usual = byMonth.get(`${hotel} ${room} ${month}`) ?? rate;
    sumsOf(`${period}, ${scope}: room and month`).add(adr, usual, false);
  }
}
const figures = [...sums]
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([name, sum]) => [name, sum.figures()] as const);
process.stdout.write(
  values.json
    ? `${JSON.stringify(Object.fromEntries(figures), null, 2)}\n`
    : `${[AGREEMENT_HEADING, ...figures.map(([name, figure]) => agreementText(name, figure))].join("\n")}\n`,
);

function sumsOf(name: string): AgreementSums {
  const known = sums.get(name) ?? new AgreementSums();
  sums.set(name, known);
  return known;
}

async function loadBookings(folder: string): Promise<Booking[]> {
  const connection = await openPublishedBookings(folder);
  const rows = (await connection.runAndReadAll(QUERY)).getRowObjects();
  return rows.map((row) => ({
    hotel: HOTELS[Number(row.hotel)] as Hotel,
    room: String(row.room) as RoomLetter,
    year: Number(row.year),
    month: Number(row.month),
    weekday: Number(row.weekday),
    leadTimeDays: Number(row.lead_time_days),
    occupancy: Number(row.occupancy),
    adr: Number(row.adr),
  }));
}

function averageRates(
  of: readonly Booking[],
  keyOf: (booking: Booking) => string,
): Map<string, number> {
  const rates = Map.groupBy(of, keyOf);
  return new Map(
    [...rates].map(([key, some]) => [
      key,
      some.reduce((sum, { adr }) => sum + adr, 0) / some.length,
    ]),
  );
}
