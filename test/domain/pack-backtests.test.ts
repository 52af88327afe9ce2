import { describe, expect, it } from "vitest";
import { AgreementSums } from "../../data/agreement.ts";
import { LEAD_TIME_OF_GROUP_DAYS } from "../../data/hotel/lead-times.ts";
import { packRateOf } from "../../data/hotel/pack-rate.ts";
import { type BookingGroup, loadBookingGroups } from "../../data/hotel/tables.ts";
import { priceLines } from "../../data/online-retail/price-lines.ts";
import { simulateStock } from "../../data/online-retail/simulate-stock.ts";
import { loadDailySales, loadProducts } from "../../data/online-retail/tables.ts";
import { loadPack } from "../../data/pack-plans.ts";
import { DAY_MS } from "../../domain/units.ts";

describe("AgreementSums", () => {
  it("give the figures that a small table has by hand", () => {
    const sums = new AgreementSums();
    sums.add(1, 2, false);
    sums.add(2, 4, true);
    sums.add(3, 6, false);
    sums.add(4, 7, false);
    expect(sums.figures()).toMatchObject({
      sales: 4,
      realPrice: 2.5,
      packPrice: 4.75,
      meanAbsoluteDeviation: 2.25,
      cappedShare: 0.25,
    });
    // Covariance 2.125, variances 1.25 and 3.6875.
    expect(sums.figures().correlation).toBeCloseTo(2.125 / Math.sqrt(1.25 * 3.6875), 12);
  });

  it("are the same for groups of one price as for their sales", () => {
    const [single, grouped] = [new AgreementSums(), new AgreementSums()];
    for (const real of [90, 110, 100]) single.add(real, 105, false);
    for (const real of [60, 64]) single.add(real, 70, true);
    grouped.addGroup({ sum: 300, squareSum: 90 ** 2 + 110 ** 2 + 100 ** 2, count: 3 }, 105, false);
    grouped.addGroup({ sum: 124, squareSum: 60 ** 2 + 64 ** 2, count: 2 }, 70, true);
    const { meanAbsoluteDeviation: _, ...expected } = single.figures();
    expect(grouped.figures()).toMatchObject(expected);
  });
});

describe("the pack hospitality over real bookings", () => {
  it("sets rates that move with those of 2017, which it was not fitted to, within months too", async () => {
    const document = await loadPack("hospitality");
    const groups = await loadBookingGroups();
    const past = monthlyRates(groups.filter(({ year }) => year < 2017));
    const [pack, monthly] = [new AgreementSums(), new AgreementSums()];
    for (const group of groups.filter(({ year }) => year === 2017)) {
      const real = { sum: group.adrSum, squareSum: group.adrSquareSum, count: group.bookings };
      const { rate, isCapped } = packRateOf(document, {
        ...group,
        leadTimeDays: LEAD_TIME_OF_GROUP_DAYS[group.leadTimeGroup] ?? 0,
        occupancy: (group.occupancyTenth + 0.5) / 10,
      });
      pack.addGroup(real, rate, isCapped);
      monthly.addGroup(real, past.get(monthOf(group)) ?? rate, false);
    }
    const { sales, correlation, cappedShare } = pack.figures();
    expect(sales).toBe(14_145);
    expect(correlation).toBeCloseTo(0.808, 2);
    expect(correlation).toBeGreaterThan(monthly.figures().correlation);
    expect(cappedShare).toBeLessThan(0.001);
  });
});

const monthOf = ({ hotel, room, month }: BookingGroup) => `${hotel} ${room} ${month}`;

function monthlyRates(groups: readonly BookingGroup[]): Map<string, number> {
  const months = Map.groupBy(groups, monthOf);
  const total = (some: BookingGroup[], field: "adrSum" | "bookings") =>
    some.reduce((sum, group) => sum + group[field], 0);
  return new Map(
    [...months].map(([key, some]) => [key, total(some, "adrSum") / total(some, "bookings")]),
  );
}

describe("simulateStock()", () => {
  const MONDAY = Date.UTC(2011, 2, 7);
  const sale = (day: number, units: number, unitsReturned = 0) => ({
    product: 0,
    dayAt: MONDAY + day * DAY_MS,
    pricePence: 100,
    lines: 1,
    units,
    unitsReturned,
  });

  it("begins with five weeks of what sold, orders on Mondays and has it two weeks later", () => {
    const steady = Array.from({ length: 70 }, (_, i) => sale(i - 28, 10));
    const stocks = simulateStock(steady, MONDAY, MONDAY + 42 * DAY_MS);
    const onHand = (day: number) => stocks.get(MONDAY / DAY_MS + day)?.onHand;
    expect(stocks.get(MONDAY / DAY_MS)).toEqual({ onHand: 350, dailySales: 10 });
    // The first Monday lacks nothing; a week later 70 are missing, and come on day 21.
    expect([onHand(7), onHand(20), onHand(21), onHand(22)]).toEqual([280, 150, 210, 200]);
  });

  it("never sells what is not there, and takes returns back", () => {
    const rush = [
      ...Array.from({ length: 28 }, (_, i) => sale(i - 28, 1)),
      sale(1, 500),
      sale(3, 0, 6),
    ];
    const stocks = simulateStock(rush, MONDAY, MONDAY + 6 * DAY_MS);
    expect([0, 1, 2, 4].map((day) => stocks.get(MONDAY / DAY_MS + day)?.onHand)).toEqual([
      35, 35, 0, 6,
    ]);
  });
});

describe("the pack e-commerce over real sales", () => {
  it("prices every line within its bounds, most of them at the list price, and does not follow a shop that priced by lots", async () => {
    const priced = priceLines(
      await loadPack("e-commerce"),
      await loadProducts(),
      await loadDailySales(),
    );
    expect(priced.prices.sales).toBe(23_686);
    expect(priced.prices.correlation).toBeCloseTo(0.87, 2);
    expect(priced.prices.meanAbsoluteDeviation).toBeCloseTo(0.8, 2);
    expect(priced.multiples.packPrice).toBeCloseTo(1.01, 2);
    expect(Math.abs(priced.multiples.correlation)).toBeLessThan(0.05);
    expect(priced.atListPriceShare).toBeCloseTo(0.506, 3);
    expect(priced.revenueRatio).toBeCloseTo(0.97, 2);
    const lines = new Map(priced.linesByMultiple);
    expect((lines.get(1) ?? 0) / priced.prices.sales).toBeCloseTo(0.522, 3);
    const all = priced.linesByMultiple.reduce((sum, [, count]) => sum + count, 0);
    expect(all).toBe(priced.prices.sales);
  });
});
