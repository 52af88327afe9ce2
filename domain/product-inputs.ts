/** What a price may take from the readings of its own product. */
import { type ProductContext, valueAt } from "./context.ts";
import { fractionDigitsOf } from "./money.ts";
import type { EpochMs, MinorUnits } from "./units.ts";

/** Stock of a product that does not sell lasts this long, days: ten years, and a number that JSON has. */
export const MAX_COVER_DAYS = 3_650;

export interface ProductInputs {
  /** Units; null when unknown. */
  stockOnHand: number | null;
  /** Days until the stock is sold at the rate it sells; null when either is unknown. At most `MAX_COVER_DAYS`. */
  stockCoverDays: number | null;
  /** The lowest price of a competitor / our base price; null when none is known. */
  competitorPriceRatio: number | null;
}

/** The inputs of one product at `asOf`. `baseMinor` is its base price, in the currency that its competitors ask. */
export function productInputsFrom(
  product: ProductContext | null,
  asOf: EpochMs,
  baseMinor: MinorUnits,
  currency: string,
): ProductInputs {
  const stock = valueAt(product?.stock ?? null, asOf);
  const competitorPrice = valueAt(product?.competitorPrice ?? null, asOf);
  const basePrice = baseMinor / 10 ** fractionDigitsOf(currency);
  return {
    stockOnHand: stock?.onHand ?? null,
    stockCoverDays: stock && coverDaysOf(stock.onHand, stock.dailySales),
    competitorPriceRatio: competitorPrice === null ? null : competitorPrice / basePrice,
  };
}

function coverDaysOf(onHand: number, dailySales: number | null): number | null {
  if (dailySales === null) return null;
  if (onHand === 0) return 0;
  return Math.min(MAX_COVER_DAYS, onHand / dailySales);
}
