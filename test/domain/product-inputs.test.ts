import { describe, expect, it } from "vitest";
import type { Stock } from "../../domain/context.ts";
import { MAX_COVER_DAYS, productInputsFrom } from "../../domain/product-inputs.ts";
import { DAY_MS, type EpochMs, type MinorUnits, plus } from "../../domain/units.ts";

const T0 = Date.UTC(2026, 0, 11, 10, 30) as EpochMs;

function reading<Value>(value: Value) {
  return { value, observedAt: T0, validUntil: plus(T0, DAY_MS) };
}

function inputsOf(stock: Stock | null, price: number | null, currency = "USD", asOf = T0) {
  const product = {
    stock: stock && reading(stock),
    competitorPrice: price === null ? null : reading(price),
  };
  return productInputsFrom(product, asOf, 250 as MinorUnits, currency);
}

describe("productInputsFrom()", () => {
  it.each([
    ["stock for ten days", { onHand: 40, dailySales: 4 }, 40, 10],
    ["no sales that anybody told of", { onHand: 40, dailySales: null }, 40, null],
    ["nothing sold of late", { onHand: 40, dailySales: 0 }, 40, MAX_COVER_DAYS],
    ["hardly anything sold of late", { onHand: 40, dailySales: 1e-6 }, 40, MAX_COVER_DAYS],
    ["nothing left", { onHand: 0, dailySales: 4 }, 0, 0],
    ["nothing left of what does not sell", { onHand: 0, dailySales: 0 }, 0, 0],
    ["no stock known", null, null, null],
  ])("of %s", (_, stock, stockOnHand, stockCoverDays) => {
    expect(inputsOf(stock, null)).toEqual({
      stockOnHand,
      stockCoverDays,
      competitorPriceRatio: null,
    });
  });

  it("compare a competitor's price with the base price in units of its currency", () => {
    expect(inputsOf(null, 2).competitorPriceRatio).toBe(0.8);
    expect(inputsOf(null, 300, "JPY").competitorPriceRatio).toBe(1.2);
    expect(inputsOf(null, 0).competitorPriceRatio).toBe(0);
  });

  it("are null once the readings have run out, and for a product of which nothing is known", () => {
    const nothing = { stockOnHand: null, stockCoverDays: null, competitorPriceRatio: null };
    expect(inputsOf({ onHand: 1, dailySales: 1 }, 2, "USD", plus(T0, DAY_MS))).toEqual(nothing);
    expect(productInputsFrom(null, T0, 100 as MinorUnits, "USD")).toEqual(nothing);
  });
});
