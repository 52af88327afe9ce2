import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseRules, type RulesDocumentInput } from "../../contract/rules.ts";
import type { VersionedRules } from "../../domain/rules.ts";

const factor = { weight: 1, neutral: 1 };

/** A document of one rule set, `city`, with one product, `ride`. */
function document() {
  return {
    rule_sets: {
      city: {
        currency: "USD",
        products: { ride: { base_price: 12, floor_price: 8.5 } },
        factors: {
          demand: { weight: 1.2, neutral: 0.5, steepness: 6, threshold: 0.5 },
          supply: { ...factor },
          time_of_day: { ...factor, multiplier_by_hour: new Array<number>(24).fill(1) },
          weather: { ...factor },
          events: { ...factor },
        },
        min_multiplier: 0.8,
        max_multiplier: 3,
        rounding: 0.25,
      },
    },
    default_rule_set: "city",
    by_region: { "nyc-132": "city" } as Record<string, string>,
  } satisfies RulesDocumentInput;
}

type Document = ReturnType<typeof document>;

/** The rules a text holds; throws where it holds none. */
function rulesOf(text: string): VersionedRules {
  const rules = parseRules(text);
  if (Array.isArray(rules)) throw new Error(JSON.stringify(rules));
  return rules;
}

/** The errors of the document after a change. */
function errorsAfter(change: (document: Document) => unknown): { path: string; detail: string }[] {
  const changed = document();
  change(changed);
  const rules = parseRules(JSON.stringify(changed));
  return Array.isArray(rules) ? rules : [];
}

describe("parseRules()", () => {
  it("reads decimal prices as minor units, and every weight", () => {
    const { version, document: read } = rulesOf(JSON.stringify(document()));
    expect(version).toMatch(/^rul_[0-9a-f]{12}$/);
    expect(read).toEqual({
      ruleSets: {
        city: {
          currency: "USD",
          products: { ride: { baseMinor: 1_200, floorMinor: 850, ceilingMinor: undefined } },
          demand: { weight: 1.2, neutral: 0.5, steepness: 6, threshold: 0.5 },
          supply: factor,
          timeOfDay: { ...factor, multiplierByHour: new Array<number>(24).fill(1) },
          weather: factor,
          events: factor,
          minMultiplier: 0.8,
          maxMultiplier: 3,
          roundingMinor: 25,
        },
      },
      defaultRuleSet: "city",
      byRegion: { "nyc-132": "city" },
    });
  });

  it("reads the shipped rules", async () => {
    const text = await readFile(new URL("../../rules/nyc-ride.json", import.meta.url), "utf8");
    const { document: read } = rulesOf(text);
    expect(read.ruleSets["nyc-ride"]?.products).toMatchObject({
      standard_ride: { baseMinor: 1_200, floorMinor: 800 },
      premium_ride: { baseMinor: 2_000, floorMinor: 1_400 },
    });
  });

  it("gives equal documents one version, however they are laid out, and others another", () => {
    const { version } = rulesOf(JSON.stringify(document()));
    expect(rulesOf(JSON.stringify(document(), null, 4)).version).toBe(version);
    const weight = fc.double({ min: -10, max: 10, noNaN: true });
    fc.assert(
      fc.property(weight, (drawn) => {
        const changed = document();
        changed.rule_sets.city.factors.demand.weight = drawn;
        const isSame = drawn === 1.2;
        expect(rulesOf(JSON.stringify(changed)).version === version).toBe(isSame);
      }),
    );
  });

  it.each<[name: string, change: (document: Document) => unknown, paths: string[]]>([
    [
      "a price of no cent",
      ({ rule_sets }) => Object.assign(rule_sets.city.products, { ride: { base_price: 12.005 } }),
      ["rule_sets.city.products.ride.base_price"],
    ],
    [
      "a price of nothing",
      ({ rule_sets }) => Object.assign(rule_sets.city.products, { ride: { base_price: 0 } }),
      ["rule_sets.city.products.ride.base_price"],
    ],
    [
      "a rounding finer than its currency",
      ({ rule_sets }) => Object.assign(rule_sets.city, { currency: "JPY" }),
      ["rule_sets.city.products.ride.floor_price", "rule_sets.city.rounding"],
    ],
    [
      "a currency that is none",
      ({ rule_sets }) => Object.assign(rule_sets.city, { currency: "dollars" }),
      ["rule_sets.city.currency"],
    ],
    [
      "23 hours",
      ({ rule_sets }) => rule_sets.city.factors.time_of_day.multiplier_by_hour.pop(),
      ["rule_sets.city.factors.time_of_day.multiplier_by_hour"],
    ],
    [
      "a field that there is not",
      ({ rule_sets }) => Object.assign(rule_sets.city, { min_multipler: 1 }),
      ["rule_sets.city.min_multipler"],
    ],
    [
      "a weight that is text",
      ({ rule_sets }) => Object.assign(rule_sets.city.factors.supply, { weight: "1" }),
      ["rule_sets.city.factors.supply.weight"],
    ],
    [
      "two mistakes, both of them",
      ({ rule_sets }) => Object.assign(rule_sets.city, { rounding: -1, max_multiplier: null }),
      ["rule_sets.city.max_multiplier", "rule_sets.city.rounding"],
    ],
    [
      "bounds that hold no price on the grid",
      ({ rule_sets }) =>
        Object.assign(rule_sets.city.products, { ride: { base_price: 12, ceiling_price: 9.5 } }),
      ["rule_sets.city.products.ride"],
    ],
    [
      "reversed multipliers",
      ({ rule_sets }) => Object.assign(rule_sets.city, { min_multiplier: 4 }),
      ["rule_sets.city.min_multiplier"],
    ],
    [
      "no product",
      ({ rule_sets }) => Object.assign(rule_sets.city, { products: {} }),
      ["rule_sets.city.products"],
    ],
    [
      "a rule set that there is not",
      (changed) =>
        Object.assign(changed, { default_rule_set: "town", by_region: { "nyc-1": "village" } }),
      ["default_rule_set", "by_region.nyc-1"],
    ],
  ])("names %s by its path", (_, change, paths) => {
    const errors = errorsAfter(change);
    expect(errors.map(({ path }) => path).toSorted()).toEqual(paths.toSorted());
    for (const { detail } of errors) expect(detail).not.toBe("");
  });

  it("says of text that is no JSON that it is none", () => {
    expect(parseRules("{")).toEqual([{ path: "", detail: expect.stringMatching(/^Not JSON: /) }]);
  });

  it("never throws, whatever the JSON holds", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        const changed = { ...document(), by_region: json };
        parseRules(JSON.stringify(changed));
        expect(Array.isArray(parseRules(JSON.stringify(json)))).toBe(true);
      }),
    );
    for (const currency of ["XXX", "ABC", "ZZZ"]) {
      const changed = document();
      changed.rule_sets.city.currency = currency;
      expect(() => parseRules(JSON.stringify(changed))).not.toThrow();
    }
  });
});
