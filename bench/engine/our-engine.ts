/** The product's own: rules compiled to a plan once, each price with every factor and adjustment that made it. */
import { rulesFrom } from "../../contract/rules.ts";
import { priceFrom } from "../../domain/price.ts";
import { NOTHING_KNOWN, type PriceInputs } from "../../domain/price-inputs.ts";
import type { PricePlan } from "../../domain/price-plan.ts";
import { bookOf } from "../../domain/rule-book.ts";
import type { BenchedEngine } from "./benched-engine.ts";
import { SHIPPED_RULES } from "./shipped-rules.ts";

interface Asked {
  plan: PricePlan;
  inputs: PriceInputs;
}

export function createEngine(): BenchedEngine<Asked> {
  const rules = rulesFrom(SHIPPED_RULES);
  if (Array.isArray(rules)) throw new Error(`the shipped rules have faults: ${rules[0]?.detail}`);
  const planFor = (product: string): PricePlan => {
    const plan = bookOf(rules.document).timelineOf("any", product)?.periods[0]?.plan;
    if (!plan || Array.isArray(plan)) throw new Error(`the shipped rules do not price ${product}`);
    return plan;
  };
  const plans = {
    standard_ride: planFor("standard_ride"),
    premium_ride: planFor("premium_ride"),
  };
  return {
    prepare: ({ product, ...known }) => ({
      plan: plans[product],
      inputs: { ...NOTHING_KNOWN, ...known },
    }),
    price: ({ plan, inputs }) => priceFrom(plan, inputs).priceMinor / 100,
  };
}
