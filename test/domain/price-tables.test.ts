import { describe, expect, it } from "vitest";
import { fitCurves } from "../../data/hotel/fit-curves.ts";
import { LEAD_TIME_FROM_DAYS } from "../../data/hotel/lead-times.ts";
import { type BookingGroup, loadBookingGroups } from "../../data/hotel/tables.ts";
import { loadDailySales, loadProducts } from "../../data/online-retail/tables.ts";
import { readColumns } from "../../data/parquet-columns.ts";

describe("the hotel tables", () => {
  it("hold each night of both hotels, never fuller than full", async () => {
    const url = new URL("../../data/hotel/nights.parquet", import.meta.url);
    const columns = await readColumns(url, ["hotel", "night_at", "rooms_sold", "occupancy", "adr"]);
    expect(columns.hotel).toHaveLength(1_609);
    expect(Math.max(...columns.rooms_sold)).toBe(226);
    expect(Math.max(...columns.occupancy)).toBe(1);
    expect(Math.min(...columns.occupancy)).toBeGreaterThanOrEqual(0);
    const nights = new Set(
      columns.hotel.map((hotel, i) => hotel * 1e15 + (columns.night_at[i] ?? 0)),
    );
    expect(nights.size).toBe(1_609);
  });

  it("count the bookings of rooms A, D and E at a public price", async () => {
    const groups = await loadBookingGroups();
    const count = (keep: (group: BookingGroup) => boolean) =>
      groups.filter(keep).reduce((sum, { bookings }) => sum + bookings, 0);
    expect(count(({ year }) => year < 2017)).toBe(22_297);
    expect(count(({ year }) => year === 2017)).toBe(14_145);
    expect(count(({ hotel, year }) => hotel === "resort" && year === 2017)).toBe(4_053);
    for (const { month, weekday, leadTimeGroup, occupancyTenth, bookings, ...sums } of groups) {
      expect(month >= 1 && month <= 12 && weekday >= 1 && weekday <= 7).toBe(true);
      expect(leadTimeGroup).toBeLessThan(LEAD_TIME_FROM_DAYS.length);
      expect(occupancyTenth).toBeLessThanOrEqual(9);
      const mean = sums.adrSum / bookings;
      expect(mean >= 10 && mean <= 600).toBe(true);
      // Cauchy and Schwarz, but for the cents that both sums are rounded by.
      expect(sums.adrSquareSum * bookings).toBeGreaterThan(0.99 * sums.adrSum ** 2 - 1_000);
    }
  });
});

describe("fitCurves()", () => {
  /** Rates that are made of known effects, of every combination once. */
  function madeOf(effect: (group: BookingGroup) => number): BookingGroup[] {
    const groups: BookingGroup[] = [];
    for (const hotel of ["city", "resort"] as const)
      for (let month = 1; month <= 12; month++)
        for (const weekday of [1, 4, 7])
          for (let leadTimeGroup = 0; leadTimeGroup < 7; leadTimeGroup++)
            for (let occupancyTenth = 0; occupancyTenth < 10; occupancyTenth++) {
              const bookings = 1 + ((month + weekday * leadTimeGroup + occupancyTenth) % 5);
              const group: BookingGroup = {
                ...{ hotel, room: "A", year: 2016, month, weekday, leadTimeGroup },
                ...{ occupancyTenth, bookings, adrSum: 0, adrSquareSum: 0 },
              };
              groups.push({ ...group, adrSum: bookings * 100 * effect(group) });
            }
    return groups;
  }

  it("finds effects that overlap, though bookings are unevenly spread over them", () => {
    const fitted = fitCurves(
      madeOf(
        ({ occupancyTenth, leadTimeGroup }) => 1 + 0.05 * occupancyTenth - 0.02 * leadTimeGroup,
      ),
    );
    const slopes = (points: [number, number][]) =>
      points.slice(1).map(([, y], i) => y - (points[i]?.[1] ?? 0));
    const base = fitted.baseRates["city A"] ?? Number.NaN;
    for (const slope of slopes(fitted.occupancy)) expect(slope).toBeCloseTo(5 / base, 1);
    const whole = (points: [number, number][]) => (points.at(-1)?.[1] ?? 0) - (points[0]?.[1] ?? 0);
    expect(whole(fitted.occupancy)).toBeCloseTo(45 / base, 1);
    expect(whole(fitted.leadTime)).toBeCloseTo(-12 / base, 1);
    expect(Math.max(...fitted.season.city.map(([, y]) => Math.abs(y - 1)))).toBeLessThan(0.02);
  });

  it("says of the real bookings that a fuller hotel was dearer, tenth by tenth", async () => {
    const { occupancy } = fitCurves(await loadBookingGroups());
    const values = occupancy.map(([, value]) => value);
    expect(values).toEqual(values.toSorted((a, b) => a - b));
    expect((values.at(-1) ?? 0) - (values[0] ?? 0)).toBeGreaterThan(0.3);
  });
});

describe("the tables of the online shop", () => {
  it("hold 24 products with their list prices, each with sales at it", async () => {
    const [products, sales] = await Promise.all([loadProducts(), loadDailySales()]);
    expect(products).toHaveLength(24);
    for (const [product, { list_price_pence }] of products.entries()) {
      const own = sales.filter((sale) => sale.product === product);
      expect(new Set(own.map(({ dayAt }) => dayAt)).size).toBeGreaterThanOrEqual(200);
      expect(own.some(({ pricePence }) => pricePence === list_price_pence)).toBe(true);
    }
    expect(sales).toHaveLength(12_020);
    expect(
      sales.every(({ lines, units, unitsReturned }) => lines + unitsReturned > 0 && units >= lines),
    ).toBe(true);
  });
});
