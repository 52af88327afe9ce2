import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteReader, ByteWriter } from "../../domain/bytes.ts";
import { type ProductContext, valueAt } from "../../domain/context.ts";
import type { DemandEvent } from "../../domain/event.ts";
import { MAX_PRODUCTS, ProductReadings } from "../../domain/product-readings.ts";
import { Readings } from "../../domain/readings.ts";
import { DAY_MS, type EpochMs, MINUTE_MS, type ProductType, plus } from "../../domain/units.ts";
import { demandEvent } from "../support/region-deliveries.ts";
import { shuffled } from "../support/shuffle.ts";

const T0 = Date.parse("2026-01-11T23:00:00Z") as EpochMs;

function stock(product: string | null, minute: number, metadata: object): DemandEvent {
  return { ...priced(product, minute, metadata), eventType: "stock_level" };
}

function priced(product: string | null, minute: number, metadata: object): DemandEvent {
  return demandEvent(1, {
    eventType: "price_change",
    productType: product as ProductType | null,
    occurredAt: plus(T0, minute * MINUTE_MS),
    metadata: JSON.stringify(metadata),
  });
}

function productsOf(events: readonly DemandEvent[], asOf: EpochMs = T0) {
  const readings = new Readings();
  for (const event of events) readings.observe(event, T0);
  return readings.contextAt(asOf, "UTC").products ?? {};
}

const valuesOf = (product: ProductContext | undefined, asOf: EpochMs = T0) => ({
  stock: valueAt(product?.stock ?? null, asOf),
  competitorPrice: valueAt(product?.competitorPrice ?? null, asOf),
});

describe("readings of products", () => {
  it("are the latest stock of each, and the lowest price that a competitor asks now", () => {
    const products = productsOf([
      stock("mug", -3, { on_hand: 90, daily_sales: 4.5 }),
      stock("mug", -2, { on_hand: 80, daily_sales: 5 }),
      stock("lamp", -1, { on_hand: 7 }),
      priced("mug", -9, { price: 1, competitor: "Shop" }),
      priced("mug", -5, { price: 2.5, competitor: "Shop" }),
      priced("mug", -6, { price: 2.75, competitor: "Store" }),
    ]);
    expect(Object.keys(products)).toEqual(["lamp", "mug"]);
    expect(valuesOf(products.mug)).toEqual({
      stock: { onHand: 80, dailySales: 5 },
      competitorPrice: 2.5,
    });
    expect(valuesOf(products.lamp)).toEqual({
      stock: { onHand: 7, dailySales: null },
      competitorPrice: null,
    });
  });

  it("are not made of our own announced prices, nor of what names no product", () => {
    const events = [
      priced("mug", 0, { price: 2 }),
      priced(null, 0, { price: 2, competitor: "Shop" }),
      stock(null, 0, { on_hand: 3 }),
    ];
    expect(productsOf(events)).toEqual({});
  });

  it("count for a day, and a dearer competitor's price once the cheapest has run out", () => {
    const events = [
      stock("mug", -60, { on_hand: 1 }),
      priced("mug", -60, { price: 2, competitor: "Shop" }),
      priced("mug", -30, { price: 3, competitor: "Store" }),
    ];
    const at = (laterMs: number) => {
      const asOf = plus(T0, laterMs);
      return valuesOf(productsOf(events, asOf).mug, asOf);
    };
    const hour = 60 * MINUTE_MS;
    expect(at(0)).toEqual({ stock: { onHand: 1, dailySales: null }, competitorPrice: 2 });
    expect(at(DAY_MS - hour - 1).competitorPrice).toBe(2);
    expect(at(DAY_MS - hour)).toEqual({ stock: null, competitorPrice: 3 });
    expect(productsOf(events, plus(T0, DAY_MS))).toEqual({});
  });

  const observation = fc.record({
    product: fc.nat({ max: 90 }),
    competitor: fc.option(fc.nat({ max: 5 })),
    minute: fc.integer({ min: -600, max: 0 }),
    value: fc.nat({ max: 4 }),
  });
  const observed = (
    drawn: readonly { product: number; competitor: number | null; minute: number; value: number }[],
  ) => {
    const products = new ProductReadings();
    for (const { product, competitor, minute, value } of drawn) {
      const name = `product_${product}` as ProductType;
      const at = plus(T0, minute * MINUTE_MS);
      if (competitor === null) products.stockIs(name, { onHand: value, dailySales: null }, at);
      else products.competitorAsks(name, `shop ${competitor}`, value, at);
    }
    return products;
  };

  it("are the same in any order, added up from any parts, and after a reload; and never of more products than fit", () => {
    const drawnMany = fc.array(observation, { maxLength: 700, size: "max" });
    fc.assert(
      fc.property(drawnMany, fc.integer(), fc.nat(), (drawn, seed, cut) => {
        const expected = observed(drawn).contextAt(T0);
        expect(Object.keys(expected).length).toBeLessThanOrEqual(MAX_PRODUCTS);
        expect(observed(shuffled(drawn, seed)).contextAt(T0)).toEqual(expected);

        const at = cut % (drawn.length + 1);
        const [head, tail] = [observed(drawn.slice(0, at)), observed(drawn.slice(at))];
        const joined = new ProductReadings();
        joined.addAll(tail);
        joined.addAll(head);
        expect(joined.contextAt(T0)).toEqual(expected);

        const writer = new ByteWriter();
        joined.writeTo(writer);
        const reader = new ByteReader(writer.copy());
        expect(ProductReadings.readFrom(reader).contextAt(T0)).toEqual(expected);
        expect(reader.isAtEnd).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it("of more products than fit are of those that were read last", () => {
    const products = new ProductReadings();
    for (let i = 0; i < MAX_PRODUCTS + 10; i++) {
      const name = `product_${String(i).padStart(2, "0")}` as ProductType;
      products.stockIs(name, { onHand: i, dailySales: null }, plus(T0, (i - 100) * MINUTE_MS));
    }
    const names = Object.keys(products.contextAt(T0));
    expect(names).toHaveLength(MAX_PRODUCTS);
    expect([names[0], names.at(-1)]).toEqual(["product_10", "product_73"]);
  });
});
