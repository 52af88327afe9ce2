import { readdir, readFile } from "node:fs/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { emergencyFrom } from "../../contract/emergency.ts";
import { rulesFrom } from "../../contract/rules.ts";
import { rulesJsonSchema } from "../../contract/rules-json-schema.ts";
import type { VersionedRules } from "../../domain/rules.ts";
import { planIn } from "../support/pricing-samples.ts";

const factor = { weight: 1, neutral: 1 };

function document() {
  const everywhere = {
    name: "everywhere",
    currency: "USD",
    products: { ride: { base_price: 12, floor_price: 8.5 } },
    factors: {
      demand: { weight: 1.2, neutral: 0.5, steepness: 6, threshold: 0.5 },
      supply: { ...factor },
      time_of_day: { ...factor, multiplier_by_hour: new Array<number>(24).fill(1) },
      weather: { ...factor },
      events: { ...factor },
      lead_time: {
        ...factor,
        input: "attribute.lead_time_days",
        curve: "step",
        points: [[0, 2]],
      },
    },
    constraints: { min_multiplier: 0.8, max_multiplier: 3, hysteresis: 0.02 },
    rounding: 0.25,
  };
  const airports = {
    name: "airports",
    for: { groups: ["airports"] },
    effective: { from: "2026-01-01T00:00:00-05:00" },
    constraints: { max_multiplier: 2, max_step_per_minute: 0.5 },
  };
  return {
    groups: { airports: ["nyc-132"] } as Record<string, string[]>,
    attributes: { lead_time_days: { min: 0, max: 730, default: 7 } },
    rules: [everywhere, airports] as [typeof everywhere, typeof airports],
  };
}

type Document = ReturnType<typeof document>;

/** The rules a document holds; throws where it holds none. */
function rulesOf(json: unknown): VersionedRules {
  const rules = rulesFrom(json);
  if (Array.isArray(rules)) throw new Error(JSON.stringify(rules));
  return rules;
}

/** The errors of the document after a change. */
function errorsAfter(change: (document: Document) => unknown): { path: string; detail: string }[] {
  const changed = document();
  change(changed);
  const rules = rulesFrom(changed);
  return Array.isArray(rules) ? rules : [];
}

describe("rulesFrom()", () => {
  it("reads decimal prices as minor units, and every setting", () => {
    const { version, document: read } = rulesOf(document());
    expect(version).toMatch(/^rul_[0-9a-f]{12}$/);
    expect(planIn(read, "ride", "nyc-1")).toMatchObject({
      currency: "USD",
      baseMinor: 1_200,
      gridMinor: 25,
      lowMultiplier: 0.8,
      highMultiplier: 3,
      hysteresisMinor: 24,
      maxStepMinor: null,
      demand: { weight: 1.2, neutral: 0.5, steepness: 6, threshold: 0.5 },
      attributes: [{ name: "lead_time", attribute: "lead_time_days", fallback: 7, kind: "step" }],
    });
    expect(planIn(read, "ride", "nyc-132", 1)).toMatchObject({
      highMultiplier: 2,
      maxStepMinor: 600,
      hysteresisMinor: 24,
    });
  });

  it("reads every rule pack that is shipped", async () => {
    const folder = new URL("../../rules/packs/", import.meta.url);
    const packs = (await readdir(folder)).filter((name) => name.endsWith(".yaml"));
    expect(packs).toContain("ride-hailing.yaml");
    for (const pack of packs) {
      const read = rulesFrom(parse(await readFile(new URL(pack, folder), "utf8")));
      expect(Array.isArray(read) ? read : [], pack).toEqual([]);
    }
  });

  it("gives equal documents one version, and others another", () => {
    const { version } = rulesOf(document());
    expect(rulesOf(JSON.parse(JSON.stringify(document(), null, 4))).version).toBe(version);
    const weight = fc.double({ min: -10, max: 10, noNaN: true });
    fc.assert(
      fc.property(weight, (drawn) => {
        const changed = document();
        changed.rules[0].factors.demand.weight = drawn;
        expect(rulesOf(changed).version === version).toBe(drawn === 1.2);
      }),
      { numRuns: 50 },
    );
  });

  it.each<[name: string, change: (document: Document) => unknown, paths: string[]]>([
    [
      "a price of no cent",
      ({ rules }) => Object.assign(rules[0].products, { ride: { base_price: 12.005 } }),
      ["rules[0].products.ride.base_price"],
    ],
    [
      "a price of nothing",
      ({ rules }) => Object.assign(rules[0].products, { ride: { base_price: 0 } }),
      ["rules[0].products.ride.base_price"],
    ],
    [
      "a rounding finer than its currency",
      ({ rules }) => Object.assign(rules[0], { currency: "JPY" }),
      ["rules[0].products.ride.floor_price", "rules[0].rounding"],
    ],
    [
      "a currency that is none",
      ({ rules }) => Object.assign(rules[0], { currency: "dollars" }),
      ["rules[0].currency"],
    ],
    [
      "23 hours",
      ({ rules }) => rules[0].factors.time_of_day.multiplier_by_hour.pop(),
      ["rules[0].factors.time_of_day.multiplier_by_hour"],
    ],
    [
      "a field that there is not",
      ({ rules }) => Object.assign(rules[0], { min_multipler: 1 }),
      ["rules[0].min_multipler"],
    ],
    [
      "a curve that reads nothing there is",
      ({ rules }) => Object.assign(rules[0].factors.lead_time, { input: "moon" }),
      ["rules[0].factors.lead_time.input"],
    ],
    [
      "a factor whose name is taken",
      ({ rules }) =>
        Object.assign(rules[0].factors, { adjustment: { input: "holiday", points: [[0, 1]] } }),
      ["rules[0].factors.adjustment"],
    ],
    [
      "a reduction that begins at no time",
      ({ rules }) => Object.assign(rules[0], { announced_reduction: true }),
      ["rules[0].announced_reduction"],
    ],
    [
      "two mistakes, both of them",
      ({ rules }) => Object.assign(rules[0], { rounding: -1, adjust: "x" }),
      ["rules[0].adjust", "rules[0].rounding"],
    ],
    [
      "a time that is none",
      ({ rules }) => Object.assign(rules[1], { effective: { from: "tomorrow" } }),
      ["rules[1].effective.from"],
    ],
    ["a document of nothing", (changed) => Object.assign(changed, { rules: [] }), ["rules"]],
  ])("names %s by its path", (_, change, paths) => {
    const errors = errorsAfter(change);
    expect(errors.map(({ path }) => path).toSorted()).toEqual(paths.toSorted());
    for (const { detail } of errors) expect(detail).not.toBe("");
  });

  it("never throws, whatever the JSON holds", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        const changed = { ...document(), groups: json };
        rulesFrom(changed);
        rulesFrom({ ...document(), rules: [{ name: "x", products: json, factors: json }] });
        expect(Array.isArray(rulesFrom(json))).toBe(true);
      }),
    );
    for (const currency of ["XXX", "ABC", "ZZZ"]) {
      const changed = document();
      changed.rules[0].currency = currency;
      expect(() => rulesFrom(changed)).not.toThrow();
    }
  });
});

describe("the JSON Schema of rules", () => {
  it("describes every field that a layer has", () => {
    const text = JSON.stringify(rulesJsonSchema());
    for (const field of ["base_price", "multiplier_by_hour", "max_step_per_minute", "points"]) {
      expect(text).toContain(`"${field}"`);
    }
  });
});

describe("emergencyFrom()", () => {
  it("reads caps and freezes", () => {
    const read = emergencyFrom({
      caps: [
        { name: "storm", for: { regions: ["nyc-161"] }, max_multiplier: 1.2, reason: "storm" },
      ],
      freezes: [{ name: "all", reason: "a fault" }],
    });
    expect(read).toMatchObject({
      version: expect.stringMatching(/^emg_[0-9a-f]{12}$/),
      document: {
        caps: [
          { scope: { regions: ["nyc-161"], products: null }, maxMultiplier: 1.2, maxPrice: null },
        ],
        freezes: [{ hold: "last", scope: { regions: null, products: null } }],
      },
    });
  });

  it.each([
    ["a cap of nothing", { caps: [{ name: "storm", reason: "storm" }] }, "caps[0]"],
    ["no reason", { freezes: [{ name: "all" }] }, "freezes[0].reason"],
    [
      "two of one name",
      {
        freezes: [
          { name: "all", reason: "a" },
          { name: "all", reason: "b" },
        ],
      },
      "",
    ],
  ])("refuses %s", (_, json, path) => {
    expect(emergencyFrom(json)).toMatchObject([{ path }]);
  });
});
