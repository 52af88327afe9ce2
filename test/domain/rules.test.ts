import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Region } from "../../domain/region.ts";
import {
  faultsInRegions,
  faultsOf,
  priceRangeOf,
  productRulesOf,
  type RulesDocument,
  ruleSetNameOf,
  ruleSetOf,
} from "../../domain/rules.ts";
import type { MinorUnits, ProductType, RegionId } from "../../domain/units.ts";
import { anyRules, documentOf, product, ruleSet } from "../support/pricing-samples.ts";

const grid = (roundingMinor: number) => ({ roundingMinor: roundingMinor as MinorUnits });

describe("faultsOf()", () => {
  it("refuses rules exactly when the bounds of a product hold no price on the grid", () => {
    fc.assert(
      fc.property(anyRules(), ({ rules, sold }) => {
        const lowest = Math.max(sold.baseMinor * rules.minMultiplier, sold.floorMinor ?? 0);
        const highest = Math.min(
          sold.baseMinor * rules.maxMultiplier,
          sold.ceilingMinor ?? Number.POSITIVE_INFINITY,
        );
        const step = rules.roundingMinor;
        // Bounds that touch the grid are the business of the cases below.
        const offGrid = (bound: number) => Math.abs(bound - Math.round(bound / step) * step);
        fc.pre([lowest, highest].every((bound) => bound === 0 || offGrid(bound) > 1e-6));
        const first = Math.ceil(lowest / step) * step;
        const isReversed = rules.minMultiplier > rules.maxMultiplier;
        const reasons = faultsOf(documentOf(rules)).map(({ reason }) => reason);
        if (isReversed) expect(reasons).toEqual(["bounds_reversed"]);
        else expect(reasons).toEqual(first <= highest ? [] : ["no_price_within_bounds"]);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    {
      name: "bounds between two prices of the grid",
      rules: ruleSet({ products: { ride: product(1_000, 1_001, 1_024) }, ...grid(25) }),
      fault: { path: "rule_sets.only.products.ride", reason: "no_price_within_bounds" },
    },
    {
      name: "a floor above the ceiling",
      rules: ruleSet({ products: { ride: product(1_000, 1_200, 1_100) } }),
      fault: { path: "rule_sets.only.products.ride", reason: "no_price_within_bounds" },
    },
    {
      name: "a floor above the greatest multiplier",
      rules: ruleSet({ products: { ride: product(1_000, 2_001) }, maxMultiplier: 2 }),
      fault: { path: "rule_sets.only.products.ride", reason: "no_price_within_bounds" },
    },
    {
      name: "a grid wider than the price",
      rules: ruleSet({ minMultiplier: 0.5, maxMultiplier: 3, ...grid(10_000) }),
      fault: { path: "rule_sets.only.products.ride", reason: "no_price_within_bounds" },
    },
    {
      name: "reversed multipliers",
      rules: ruleSet({ minMultiplier: 2, maxMultiplier: 1 }),
      fault: { path: "rule_sets.only.min_multiplier", reason: "bounds_reversed" },
    },
    {
      name: "no product",
      rules: ruleSet({ products: {} }),
      fault: { path: "rule_sets.only.products", reason: "no_products" },
    },
  ])("refuses $name, with its place", ({ rules, fault }) => {
    expect(faultsOf(documentOf(rules))).toEqual([{ ...fault, detail: expect.any(String) }]);
  });

  it.each([
    ["bounds that are one price of the grid", product(1_000, 1_025, 1_025), 25, [1, 1.1]],
    ["a multiplier of which the price is a hair above a cent", product(700), 1, [1.1, 1.1]],
    ["a multiplier of which the price is a hair below a cent", product(700), 5, [1.15, 1.15]],
  ])("takes %s", (_, sold, step, [minMultiplier = 0, maxMultiplier = 0]) => {
    const rules = ruleSet({
      products: { ride: sold },
      minMultiplier,
      maxMultiplier,
      ...grid(step),
    });
    expect(faultsOf(documentOf(rules))).toEqual([]);
  });

  it.each(["nowhere", "constructor", "__proto__"])(
    "refuses names that lead nowhere: %s",
    (name) => {
      const document: RulesDocument = {
        ruleSets: { only: ruleSet() },
        defaultRuleSet: name,
        byRegion: { "a-1": name, "a-2": "only" },
      };
      expect(faultsOf(document).map(({ path, reason }) => [path, reason])).toEqual([
        ["default_rule_set", "unknown_rule_set"],
        ["by_region.a-1", "unknown_rule_set"],
      ]);
    },
  );
});

describe("priceRangeOf()", () => {
  it("ends on the grid, within a hair of the bounds", () => {
    // 700 * 1.1 is 770.0000000000001, 700 * 1.15 is 804.9999999999999.
    const rules = ruleSet({ minMultiplier: 1.1, maxMultiplier: 1.15, ...grid(1) });
    expect(priceRangeOf(rules, product(700))).toEqual({ low: 770, high: 805 });
    const wide = ruleSet({ minMultiplier: 1, maxMultiplier: 1.1, ...grid(25) });
    expect(priceRangeOf(wide, product(1_010))).toEqual({ low: 1_025, high: 1_100 });
  });
});

describe("rules by region and product", () => {
  const document: RulesDocument = {
    ruleSets: { all: ruleSet(), airport: ruleSet({ maxMultiplier: 2 }) },
    defaultRuleSet: "all",
    byRegion: { "nyc-132": "airport" },
  };

  it("are those the region is named for, or else the default", () => {
    expect(ruleSetOf(document, "nyc-132").maxMultiplier).toBe(2);
    expect(ruleSetNameOf(document, "nyc-132")).toBe("airport");
    for (const regionId of ["nyc-161", "constructor", "toString"]) {
      expect(ruleSetNameOf(document, regionId)).toBe("all");
    }
  });

  it("hold no product that only every object has", () => {
    expect(productRulesOf(ruleSet(), "ride")).toEqual(product(1_000));
    expect(productRulesOf(ruleSet(), "constructor")).toBeUndefined();
  });

  const region = (fields: Partial<Region> = {}): Region => ({
    regionId: "nyc-132" as RegionId,
    name: "JFK Airport",
    timeZone: "America/New_York",
    currency: "USD",
    productTypes: ["ride" as ProductType],
    ...fields,
  });

  it("price what the region sells, in its currency", () => {
    expect(faultsInRegions(document, [region()])).toEqual([]);
    const productTypes = ["ride", "boat"] as ProductType[];
    expect(faultsInRegions(document, [region({ productTypes, currency: "EUR" })])).toMatchObject([
      { path: "rule_sets.airport.products.boat", reason: "unpriced_product" },
      { path: "rule_sets.airport.currency", reason: "other_currency" },
    ]);
  });
});
