/** Prices that were computed outside this code base, for the classic composite and for the shipped rules. */
import { describe, expect, it } from "vitest";
import { rulesFrom } from "../../contract/rules.ts";
import { priceFrom } from "../../domain/price.ts";
import { NOTHING_KNOWN } from "../../domain/price-inputs.ts";
import shippedRules from "../../rules/generated/ride-hailing.json" with { type: "json" };
import classic from "../golden/prices-classic.json" with { type: "json" };
import shipped from "../golden/prices-ride-hailing.json" with { type: "json" };
import { planIn } from "../support/pricing-samples.ts";

describe.each([
  { name: "the classic composite", rules: { rules: classic.rules }, cases: classic.cases },
  { name: "the shipped rules", rules: shippedRules, cases: shipped.cases },
])("$name", ({ rules, cases }) => {
  const read = rulesFrom(rules);
  if (Array.isArray(read)) throw new Error(JSON.stringify(read));

  it.each(cases)("prices $product when $name", ({ product, inputs, expected }) => {
    const price = priceFrom(planIn(read.document, product), {
      ...NOTHING_KNOWN,
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
    const { constraint, rounding, ...others } = price.adjustments;
    expect(rounded({ constraint, rounding })).toEqual(rounded(expected.adjustments));
    expect(others).toEqual({ emergency_cap: 0, freeze: 0, hysteresis: 0, step_limit: 0 });
  });
});

/** To ten places; without the sign of a zero. */
function rounded(numbers: Record<string, number>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(numbers).map(([name, value]) => [name, Math.round(value * 1e10) / 1e10 + 0]),
  );
}
