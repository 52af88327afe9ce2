import type { RulesDocument } from "../../domain/rules.ts";
import { DAY_MS } from "../../domain/units.ts";
import { type Agreement, AgreementSums } from "../agreement.ts";
import { packPriceOf } from "./pack-price.ts";
import { type StockOfDay, simulateStock } from "./simulate-stock.ts";
import type { DailySales, SoldProduct } from "./tables.ts";

/** The first three months tell what sells; lines are priced from here on. */
export const PRICED_FROM_AT = Date.UTC(2011, 2, 1);

export interface PricedLines {
  /** Of prices. Products differ in price far more than prices move, so this says little. */
  prices: Agreement;
  /** Of prices as multiples of the list price: whether they move together. */
  multiples: Agreement;
  /** Of lines that were really sold at the list price. */
  atListPriceShare: number;
  /** Lines by the pack's multiple of the list price: from it, to before the next. */
  linesByMultiple: [from: number, lines: number][];
  /** Of days and products. */
  emptyShelfShare: number;
  /** What the pack would have taken / what was taken, had everybody bought as much. */
  revenueRatio: number;
}

const MULTIPLES = [0.7, 0.8, 0.9, 0.95, 1, 1.0001, 1.05, 1.1];

/** Prices each line that was sold from PRICED_FROM_AT on by the pack e-commerce, over a simulated stock. */
export function priceLines(
  document: RulesDocument,
  products: readonly SoldProduct[],
  sales: readonly DailySales[],
): PricedLines {
  const untilAt = Math.max(...sales.map(({ dayAt }) => dayAt)) + DAY_MS;
  const stocks = products.map((_, product) =>
    simulateStock(
      sales.filter((sale) => sale.product === product),
      PRICED_FROM_AT,
      untilAt,
    ),
  );
  const prices = new AgreementSums();
  const multiples = new AgreementSums();
  const byMultiple = new Map(MULTIPLES.map((from) => [from, 0]));
  let atListPrice = 0;
  let realRevenue = 0;
  let packRevenue = 0;
  for (const { product, dayAt, pricePence, lines, units } of sales) {
    const stock = stocks[product]?.get(dayAt / DAY_MS);
    if (dayAt < PRICED_FROM_AT || lines === 0 || !stock) continue;
    const { price, basePrice, isCapped } = packPriceOf(
      document,
      products[product]?.stock_code ?? "",
      dayAt,
      stock,
    );
    const real = pricePence / 100;
    prices.add(real, price, isCapped, lines);
    multiples.add(real / basePrice, price / basePrice, isCapped, lines);
    if (pricePence === products[product]?.list_price_pence) atListPrice += lines;
    const from = MULTIPLES.findLast((multiple) => price / basePrice >= multiple - 1e-9) ?? 0.7;
    byMultiple.set(from, (byMultiple.get(from) ?? 0) + lines);
    realRevenue += real * units;
    packRevenue += price * units;
  }
  const days: StockOfDay[] = stocks.flatMap((stock) => [...stock.values()]);
  return {
    prices: prices.figures(),
    multiples: multiples.figures(),
    atListPriceShare: atListPrice / prices.figures().sales,
    linesByMultiple: [...byMultiple],
    emptyShelfShare: days.filter(({ onHand }) => onHand === 0).length / days.length,
    revenueRatio: packRevenue / realRevenue,
  };
}
