/** What a region's events said of single products: how many are on hand, and what others ask for them. */
import type { ByteReader, ByteWriter } from "./bytes.ts";
import { type ProductContext, type Reading, type Stock, VALIDITY_MS, valueAt } from "./context.ts";
import { LatestByName } from "./latest-by-name.ts";
import { type EpochMs, type ProductType, plus } from "./units.ts";

/** Products a region knows of at most; beyond that those stay that were read last. */
export const MAX_PRODUCTS = 64;
/** Prices of competitors over all products: four for each of `MAX_PRODUCTS`. */
const MAX_COMPETITOR_PRICES = 4 * MAX_PRODUCTS;
/** Between a product and a competitor in a name; no product type holds it. */
const SEPARATOR = " ";

/**
 * The latest stock of each product and the latest price of each competitor for it.
 *
 * A competitor's newer price replaces only its own older one, so the lowest is always that of prices that are asked now. Order
 * of arrival does not matter, also where there is more than fits.
 */
export class ProductReadings {
  private readonly stocks = new LatestByName<Stock>(MAX_PRODUCTS);
  /** By product and competitor. */
  private readonly competitorPrices = new LatestByName<number>(MAX_COMPETITOR_PRICES);

  /** `stock.dailySales` is null when the sender did not say. */
  stockIs(product: ProductType, stock: Stock, observedAt: EpochMs): void {
    this.stocks.observe(product, readingOf(stock, observedAt));
  }

  /** `price` is a decimal in the region's currency. */
  competitorAsks(
    product: ProductType,
    competitor: string,
    price: number,
    observedAt: EpochMs,
  ): void {
    const name = product + SEPARATOR + competitor;
    this.competitorPrices.observe(name, readingOf(price, observedAt));
  }

  /** Takes in what `other` has, as if its events had come here. */
  addAll(other: ProductReadings): void {
    this.stocks.addAll(other.stocks);
    this.competitorPrices.addAll(other.competitorPrices);
  }

  /** What is valid at `asOf`, by product in the order of their names; products with stock first where there are too many. */
  contextAt(asOf: EpochMs): Record<string, ProductContext> {
    const products = new Map<string, ProductContext>();
    for (const [name, stock] of this.stocks.entries()) {
      if (valueAt(stock, asOf) !== null) products.set(name, { stock, competitorPrice: null });
    }
    for (const [name, price] of this.competitorPrices.entries()) {
      if (valueAt(price, asOf) === null) continue;
      const [product = ""] = name.split(SEPARATOR, 1);
      const known = products.get(product) ?? { stock: null, competitorPrice: null };
      if (isLower(price, known.competitorPrice)) known.competitorPrice = price;
      if (products.size < MAX_PRODUCTS) products.set(product, known);
    }
    return Object.fromEntries([...products].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  writeTo(writer: ByteWriter): void {
    this.stocks.writeTo(writer, ({ onHand, dailySales }) => {
      writer.f64(onHand);
      writer.f64(dailySales ?? Number.NaN);
    });
    this.competitorPrices.writeTo(writer, (price) => writer.f64(price));
  }

  static readFrom(reader: ByteReader): ProductReadings {
    const products = new ProductReadings();
    products.stocks.addFrom(reader, () => {
      const onHand = reader.f64();
      const dailySales = reader.f64();
      return { onHand, dailySales: Number.isNaN(dailySales) ? null : dailySales };
    });
    products.competitorPrices.addFrom(reader, () => reader.f64());
    return products;
  }
}

function readingOf<Value>(value: Value, observedAt: EpochMs): Reading<Value> {
  return { value, observedAt, validUntil: plus(observedAt, VALIDITY_MS.product) };
}

/** Of equal prices the one that was asked last stands, so that it counts for longest. */
function isLower(price: Reading<number>, than: Reading<number> | null): boolean {
  if (!than || price.value < than.value) return true;
  return price.value === than.value && price.observedAt > than.observedAt;
}
