import { AGREEMENT_HEADING, agreementText } from "../agreement.ts";
import { loadPack } from "../pack-plans.ts";
import { priceLines } from "./price-lines.ts";
import { loadDailySales, loadProducts } from "./tables.ts";

/**
 * Prices each line that was really sold from March 2011 on by rules/packs/e-commerce.yaml, over a simulated stock:
 *
 *     node data/online-retail/backtest.ts
 */
const [document, products, sales] = await Promise.all([
  loadPack("e-commerce"),
  loadProducts(),
  loadDailySales(),
]);
const priced = priceLines(document, products, sales);
const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const lines = priced.prices.sales;
process.stdout.write(
  [
    AGREEMENT_HEADING,
    agreementText("prices, GBP", priced.prices),
    agreementText("prices / list price", priced.multiples),
    `sold at the list price: ${percent(priced.atListPriceShare)} of the lines`,
    `empty shelf: ${percent(priced.emptyShelfShare)} of days and products`,
    `revenue at unchanged sales: ${percent(priced.revenueRatio)} of the real one`,
    "lines by the pack's price / list price:",
    ...priced.linesByMultiple.map(([from, count]) => `  from ${from}: ${percent(count / lines)}`),
    "",
  ].join("\n"),
);
