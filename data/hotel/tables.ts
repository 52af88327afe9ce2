import { readColumns } from "../parquet-columns.ts";

/** Readers of the shipped hotel tables. */

/** The published letters of the rooms that both hotels sell enough of. */
export const ROOM_LETTERS = ["A", "D", "E"] as const;
export type RoomLetter = (typeof ROOM_LETTERS)[number];

export const HOTELS = ["city", "resort"] as const;
export type Hotel = (typeof HOTELS)[number];

/** Bookings at a public price that agree in everything but the price. */
export interface BookingGroup {
  hotel: Hotel;
  room: RoomLetter;
  year: number;
  /** Of arrival, 1 to 12. */
  month: number;
  /** Of arrival, 1 is Monday. */
  weekday: number;
  /** Which of LEAD_TIME_FROM_DAYS. */
  leadTimeGroup: number;
  /** 0 for less than a tenth of the rooms on the books, 9 for nine tenths and more. */
  occupancyTenth: number;
  bookings: number;
  /** Of the rates per night, EUR. */
  adrSum: number;
  adrSquareSum: number;
}

export async function loadBookingGroups(): Promise<BookingGroup[]> {
  const columns = await readColumns(new URL("bookings.parquet", import.meta.url), [
    "hotel",
    "room",
    "arrival_month",
    "arrival_weekday",
    "lead_time_group",
    "occupancy_tenth",
    "bookings",
    "adr_sum",
    "adr_square_sum",
  ]);
  const at = (name: keyof typeof columns, row: number) => columns[name][row] ?? Number.NaN;
  return Array.from(columns.bookings, (bookings, row): BookingGroup => {
    const arrivalMonth = at("arrival_month", row);
    return {
      hotel: HOTELS[at("hotel", row)] as Hotel,
      room: String.fromCharCode(65 + at("room", row)) as RoomLetter,
      year: Math.floor(arrivalMonth / 12),
      month: (arrivalMonth % 12) + 1,
      weekday: at("arrival_weekday", row),
      leadTimeGroup: at("lead_time_group", row),
      occupancyTenth: at("occupancy_tenth", row),
      bookings,
      adrSum: at("adr_sum", row),
      adrSquareSum: at("adr_square_sum", row),
    };
  });
}
