/** Prices that were computed outside this code base, for the classic composite and for the shipped rules. */
import { describe, expect, it } from "vitest";
import { rulesFrom } from "../../contract/rules.ts";
import { priceFrom } from "../../domain/price.ts";
import { productRulesOf, ruleSetOf } from "../../domain/rules.ts";
import shippedRules from "../../rules/nyc-ride.json" with { type: "json" };
import classic from "../golden/prices-classic.json" with { type: "json" };
import shipped from "../golden/prices-nyc-ride.json" with { type: "json" };

const classicRules = { rule_sets: { classic: classic.rule_set }, default_rule_set: "classic" };

describe.each([
  { name: "the classic composite", rules: classicRules, cases: classic.cases },
  { name: "the shipped rules", rules: shippedRules, cases: shipped.cases },
])("$name", ({ rules, cases }) => {
  const read = rulesFrom(rules);
  if (Array.isArray(read)) throw new Error(JSON.stringify(read));
  const ruleSet = ruleSetOf(read.document, "nyc-161");

  it.each(cases)("prices $product when $name", ({ product, inputs, expected }) => {
    const productRules = productRulesOf(ruleSet, product);
    if (!productRules) throw new Error(`no product ${product}`);
    const price = priceFrom(ruleSet, productRules, {
      demandScore: inputs.demand_score,
      availableSupply: inputs.available_supply,
      recentDemand: inputs.recent_demand,
      localHour: inputs.local_hour,
      weatherSeverity: inputs.weather_severity,
      eventScore: inputs.event_score,
    });
    expect(price.currency).toBe("USD");
    expect(price.priceMinor).toBe(Math.round(expected.price * 100));
    expect(price.surgeMultiplier).toBeCloseTo(expected.surge_multiplier, 10);
    expect(price.missing).toEqual(expected.missing);
    expect(rounded(price.factors)).toEqual(rounded(expected.factors));
    expect(rounded(price.adjustments)).toEqual(rounded(expected.adjustments));
  });
});

/** To ten places; without the sign of a zero. */
function rounded(numbers: Record<string, number>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(numbers).map(([name, value]) => [name, Math.round(value * 1e10) / 1e10 + 0]),
  );
}
