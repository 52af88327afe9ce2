import { DAY_MS } from "../../domain/units.ts";
import type { DailySales } from "./tables.ts";

/**
 * A stock for a product whose real stock nobody published: simulated, from its real sales and returns.
 *
 * The shop orders each Monday what is missing to five weeks of sales, and has it two weeks later. It begins with five weeks of stock. What
 * is really sold while the simulated shelf is empty leaves it empty.
 */
export interface StockOfDay {
  /** Units at the start of the day. */
  onHand: number;
  /** Units sold a day over the four weeks before. */
  dailySales: number;
}

const SALES_DAYS = 28;
const ORDER_UP_TO_DAYS = 35;
const DELIVERY_DAYS = 14;
/** Day 0 of the epoch was a Thursday. */
const MONDAY = 4;

/** The stock of each day from `fromAt` to before `untilAt`, both midnights UTC, by the day's number since the epoch. */
export function simulateStock(
  sales: readonly DailySales[],
  fromAt: number,
  untilAt: number,
): Map<number, StockOfDay> {
  const sold = new Map<number, number>();
  const returned = new Map<number, number>();
  for (const { dayAt, units, unitsReturned } of sales) {
    const day = dayAt / DAY_MS;
    sold.set(day, (sold.get(day) ?? 0) + units);
    returned.set(day, (returned.get(day) ?? 0) + unitsReturned);
  }
  const dailySalesBefore = (day: number) => {
    let units = 0;
    for (let back = 1; back <= SALES_DAYS; back++) units += sold.get(day - back) ?? 0;
    return units / SALES_DAYS;
  };

  const stocks = new Map<number, StockOfDay>();
  const deliveries = new Map<number, number>();
  const firstDay = fromAt / DAY_MS;
  let onHand = Math.round(ORDER_UP_TO_DAYS * dailySalesBefore(firstDay));
  let onOrder = 0;
  for (let day = firstDay; day < untilAt / DAY_MS; day++) {
    const delivered = deliveries.get(day) ?? 0;
    onHand += delivered;
    onOrder -= delivered;
    const dailySales = dailySalesBefore(day);
    stocks.set(day, { onHand, dailySales });
    if (day % 7 === MONDAY) {
      const missing = Math.round(ORDER_UP_TO_DAYS * dailySales) - onHand - onOrder;
      if (missing > 0) {
        deliveries.set(day + DELIVERY_DAYS, missing);
        onOrder += missing;
      }
    }
    onHand = Math.max(0, onHand - (sold.get(day) ?? 0) + (returned.get(day) ?? 0));
  }
  return stocks;
}
