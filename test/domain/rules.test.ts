import { describe, expect, it } from "vitest";
import type { Region } from "../../domain/region.ts";
import { bookOf, periodAt } from "../../domain/rule-book.ts";
import { faultsInRegions, faultsOf, warningsOf } from "../../domain/rule-faults.ts";
import type { Layer, RulesDocument, Settings } from "../../domain/rules.ts";
import type { EpochMs, ProductType, RegionId } from "../../domain/units.ts";
import { at, documentBy, documentOf, layer, planIn, settings } from "../support/pricing-samples.ts";

const GROUPS = { airports: ["nyc-132", "nyc-138"], queens: ["nyc-132"] };
const place = (scope: Partial<Layer["scope"]>) => ({
  regions: null,
  groups: null,
  products: null,
  ...scope,
});
const grouped = (...layers: Layer[]): RulesDocument => ({
  ...documentOf(layer(), ...layers),
  groups: GROUPS,
});
const sets = (name: string, scope: Partial<Layer["scope"]>, fields: Settings, more = {}): Layer =>
  layer({ name, scope: place(scope), settings: fields, ...more });

describe("a plan", () => {
  it("is put together from the layers that apply, leaf by leaf, the most specific first", () => {
    const document = grouped(
      sets("airports", { groups: ["airports"] }, { maxMultiplier: 2, demand: { weight: 1 } }),
      sets("jfk", { regions: ["nyc-132"] }, { demand: { threshold: 0.4 } }),
      sets("rides", { products: ["ride"] }, { demand: { weight: 3 } }),
    );
    const everywhere = planIn(document, "ride", "nyc-1");
    expect(everywhere).toMatchObject({ highMultiplier: 100, demand: { weight: 3, threshold: 0 } });
    const jfk = planIn(document, "ride", "nyc-132");
    // A place goes before a product.
    expect(jfk).toMatchObject({ highMultiplier: 2, demand: { weight: 1, threshold: 0.4 } });
    expect(planIn(document, "ride", "nyc-138").demand).toMatchObject({ weight: 1, threshold: 0 });
  });

  it("is of the higher priority before anything else", () => {
    const document = grouped(
      sets("jfk", { regions: ["nyc-132"] }, { maxMultiplier: 2 }),
      sets("law", {}, { maxMultiplier: 1.5 }, { priority: 1 }),
    );
    expect(planIn(document, "ride", "nyc-132").highMultiplier).toBe(1.5);
  });

  it("changes at the dates of its layers, each half-open", () => {
    const from = at("2026-12-31T23:00:00Z");
    const until = at("2027-01-01T06:00:00Z");
    const document = documentOf(
      layer(),
      sets("new-year", {}, { maxMultiplier: 4 }, { from, until }),
    );
    const timeline = bookOf(document).timelineOf("nyc-1", "ride");
    if (!timeline) throw new Error("nothing is sold");
    expect(timeline.boundaries).toEqual([from, until]);
    expect([from - 1, from, until - 1, until].map((t) => periodAt(timeline, t as EpochMs))).toEqual(
      [0, 1, 1, 2],
    );
    const most = [0, 1, 2].map((i) => planIn(document, "ride", "nyc-1", i).highMultiplier);
    expect(most).toEqual([100, 4, 100]);
    expect(bookOf(document).nextChangeAfter(from, "nyc-1", ["ride"])).toBe(until);
    expect(bookOf(document).nextChangeAfter(until, "nyc-1", ["ride"])).toBeNull();
  });

  it("is there for no product that only every object has", () => {
    for (const name of ["constructor", "__proto__", "toString"]) {
      expect(bookOf(documentBy()).timelineOf("nyc-1", name)).toBeNull();
    }
  });

  it("is shared by all regions to which the same layers apply", () => {
    const book = bookOf(grouped(sets("airports", { groups: ["airports"] }, { maxMultiplier: 2 })));
    expect(book.timelineOf("nyc-1", "ride")).toBe(book.timelineOf("nyc-2", "ride"));
    expect(book.timelineOf("nyc-132", "ride")).toBe(book.timelineOf("nyc-138", "ride"));
    expect(book.timelineOf("nyc-1", "ride")).not.toBe(book.timelineOf("nyc-132", "ride"));
  });

  it("holds bounds that lie within a hair of the grid", () => {
    // 700 * 1.1 is 770.0000000000001, 700 * 1.15 is 804.9999999999999.
    const products = { ride: { basePrice: 7 } };
    const plan = planIn(documentBy({ products, minMultiplier: 1.1, maxMultiplier: 1.15 }));
    expect([plan.lowMinor, plan.highMinor]).toEqual([770, 805]);
  });
});

describe("faultsOf()", () => {
  const jan = at("2026-01-01T00:00:00Z");
  const feb = at("2026-02-01T00:00:00Z");

  it.each<[name: string, document: RulesDocument, path: string, reason: string]>([
    [
      "no price within the bounds",
      documentBy({ products: { ride: { basePrice: 10, ceilingPrice: 9.5 } }, minMultiplier: 1 }),
      "rules[0].products.ride",
      "no_price_within_bounds",
    ],
    [
      "reversed bounds",
      documentBy({ minMultiplier: 200 }),
      "rules[0].constraints.min_multiplier",
      "bounds_reversed",
    ],
    ["no product", documentBy({ products: {} }), "rules", "no_products"],
    [
      "a setting that nobody makes",
      documentOf(layer({ settings: { ...settings(), rounding: undefined } })),
      "rules",
      "incomplete",
    ],
    [
      "an amount of no cent",
      documentBy({ rounding: 0.001 }),
      "rules[0].rounding",
      "no_such_amount",
    ],
    [
      "a step that is less than the grid",
      documentBy({ rounding: 0.5, maxStepPerMinute: 0.01 }),
      "rules[0].constraints.max_step_per_minute",
      "step_below_grid",
    ],
    [
      "an attribute that there is not",
      documentBy({ curves: { lead: { input: "attribute.lead", points: [[0, 1]] } } }),
      "rules[0].factors.lead.input",
      "unknown_input",
    ],
    [
      "points that do not rise",
      documentBy({
        curves: {
          busy: {
            input: "utilization",
            points: [
              [1, 1],
              [1, 2],
            ],
          },
        },
      }),
      "rules[0].factors.busy.points",
      "points_not_rising",
    ],
    [
      "a group that there is not",
      grouped(sets("ports", { groups: ["airports", "ports"] }, { maxMultiplier: 2 })),
      "rules[1].for.groups[1]",
      "unknown_group",
    ],
    [
      "an end before its beginning",
      documentOf(layer(), sets("x", {}, { adjust: 1 }, { from: feb, until: jan })),
      "rules[1].effective.until",
      "dates_reversed",
    ],
    ["two layers of one name", documentOf(layer(), layer()), "rules[1].name", "same_name"],
    [
      "layers that are equally specific and disagree",
      grouped(
        sets("airports", { groups: ["airports"] }, { maxMultiplier: 2 }),
        sets("queens", { groups: ["queens"] }, { maxMultiplier: 3 }),
      ),
      "rules[2].constraints.max_multiplier",
      "conflict",
    ],
    [
      "dates that overlap and disagree",
      documentOf(
        layer(),
        sets("a", {}, { adjust: 0.1 }, { from: jan, until: feb }),
        sets("b", {}, { adjust: 0.2 }, { from: (feb - 1) as EpochMs }),
      ),
      "rules[2].adjust",
      "conflict",
    ],
  ])("names %s, with its place", (_, document, path, reason) => {
    expect(faultsOf(document)).toEqual([{ path, reason, detail: expect.any(String) }]);
  });

  it("takes layers that are equally specific where they agree, never meet, or one has priority", () => {
    const airports = sets("airports", { groups: ["airports"] }, { maxMultiplier: 2 });
    const queens = (fields: Settings, more = {}) =>
      sets("queens", { groups: ["queens"] }, fields, more);
    expect(faultsOf(grouped(airports, queens({ maxMultiplier: 2 })))).toEqual([]);
    expect(faultsOf(grouped(airports, queens({ minMultiplier: 1 })))).toEqual([]);
    expect(faultsOf(grouped(airports, queens({ maxMultiplier: 3 }, { priority: 1 })))).toEqual([]);
    const elsewhere = {
      ...grouped(airports, queens({ maxMultiplier: 3 })),
      groups: { airports: ["nyc-138"], queens: ["nyc-132"] },
    };
    expect(faultsOf(elsewhere)).toEqual([]);
    const [jan1, feb1] = [jan, feb].map((from, i) =>
      sets(`m${i}`, {}, { adjust: i }, { from, until: feb + i * 1_000 }),
    );
    if (!jan1 || !feb1) throw new Error("two layers");
    expect(faultsOf(documentOf(layer(), jan1, feb1))).toEqual([]);
  });

  it("finds a fault that only a part of the places has", () => {
    const document = grouped(sets("jfk", { regions: ["nyc-132"] }, { minMultiplier: 101 }));
    expect(faultsOf(document)).toMatchObject([{ path: "rules[1].constraints.min_multiplier" }]);
    expect(faultsOf(document)[0]?.detail).toContain("nyc-132");
  });
});

describe("warningsOf()", () => {
  it("names layers that change nothing and layers that are over", () => {
    const now = at("2026-06-01T00:00:00Z");
    const document = grouped(
      sets("nowhere", { groups: ["airports"], products: ["boat"] }, { maxMultiplier: 2 }),
      sets("shadowed", { groups: ["queens"] }, { maxMultiplier: 2 }),
      sets("jfk", { regions: ["nyc-132"] }, { maxMultiplier: 3 }),
      sets("past", {}, { adjust: 0.1 }, { until: at("2026-05-01T00:00:00Z") }),
    );
    expect(warningsOf(document, now).map(({ path, reason }) => [path, reason])).toEqual([
      ["rules[1]", "unreachable"],
      ["rules[2]", "unreachable"],
      ["rules[4]", "over"],
    ]);
  });
});

describe("faultsInRegions()", () => {
  const region = (fields: Partial<Region> = {}): Region => ({
    regionId: "nyc-132" as RegionId,
    name: "JFK Airport",
    timeZone: "America/New_York",
    currency: "USD",
    productTypes: ["ride" as ProductType],
    ...fields,
  });

  it("names what a region sells and nobody prices, and another currency", () => {
    expect(faultsInRegions(documentBy(), [region()])).toEqual([]);
    const productTypes = ["ride", "boat"] as ProductType[];
    const faults = faultsInRegions(documentBy(), [region({ productTypes, currency: "EUR" })]);
    expect(faults.map(({ reason }) => reason)).toEqual(["other_currency", "unpriced_product"]);
  });
});
