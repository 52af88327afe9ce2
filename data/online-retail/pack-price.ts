import { decimalFrom } from "../../domain/money.ts";
import { priceFrom } from "../../domain/price.ts";
import { NOTHING_KNOWN } from "../../domain/price-inputs.ts";
import { productInputsFrom } from "../../domain/product-inputs.ts";
import type { RulesDocument } from "../../domain/rules.ts";
import { DAY_MS, type EpochMs, plus } from "../../domain/units.ts";
import { planAt } from "../pack-plans.ts";
import type { StockOfDay } from "./simulate-stock.ts";

export interface PackPrice {
  /** GBP. */
  price: number;
  basePrice: number;
  isCapped: boolean;
}

/** What the pack would have asked for a product on a day, by its stock alone: no competitor is known. No limit in time holds. */
export function packPriceOf(
  document: RulesDocument,
  stockCode: string,
  dayAt: number,
  stock: StockOfDay,
): PackPrice {
  const at = dayAt as EpochMs;
  const plan = planAt(document, "uk-shop", `sku_${stockCode.toLowerCase()}`, at);
  const reading = { value: stock, observedAt: at, validUntil: plus(at, DAY_MS) };
  const product = { stock: reading, competitorPrice: null };
  const inputs = productInputsFrom(product, at, plan.baseMinor, plan.currency);
  const price = priceFrom(plan, { ...NOTHING_KNOWN, ...inputs });
  return {
    price: decimalFrom(price.priceMinor, price.currency),
    basePrice: decimalFrom(price.baseMinor, price.currency),
    isCapped: Math.abs(price.adjustments.constraint) > 1e-9,
  };
}
