import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Decision,
  type DecisionKey,
  decide,
  keyOfRequestId,
  parseKey,
  requestIdPrefixOf,
  SOURCES,
  textOfKey,
} from "../../domain/decision.ts";
import {
  type EpochMs,
  MINUTE_MS,
  type ModelVersion,
  type ProductType,
  plus,
  type RegionId,
  type RulesVersion,
} from "../../domain/units.ts";
import { AS_OF, forecast, material, RIDE, snapshot } from "../support/decision-samples.ts";
import { documentOf, soundRules } from "../support/pricing-samples.ts";

/** The decision; throws where there is none. */
function decided(fields: Parameters<typeof material>[0] = {}): Decision {
  const decision = decide(material(fields));
  if ("reason" in decision) throw new Error(decision.reason);
  return decision;
}

function reading<Value>(value: Value, observedAt: EpochMs = AS_OF) {
  return { value, observedAt, validUntil: plus(observedAt, 10 * MINUTE_MS) };
}

const everything = {
  supply: reading({ available: 30, busy: 9 }),
  weather: reading({ tempF: 60, precipIn: 0.25 }),
  localEvent: reading(0.4),
};

describe("decide()", () => {
  it("gives each factor its input, and names the decision by everything it was made from", () => {
    const { key, price, inputs, demandScore, confidence } = decided({
      snapshot: snapshot(everything, { bookingCount15m: 10 }),
      forecast: forecast(15),
    });
    expect(inputs).toEqual({
      demandScore: 0.75,
      availableSupply: 30,
      recentDemand: 10,
      localHour: 8,
      weatherSeverity: 0.5,
      eventScore: 0.4,
    });
    expect(demandScore).toBe(0.75);
    expect(confidence).toBeCloseTo(1 / (1 + 1.5 / 2), 12);
    expect(price.missing).toEqual([]);
    const demand = 1 / (1 + Math.exp(-6 * 0.25)) - 0.5;
    expect(price.surgeMultiplier).toBeCloseTo(1 + demand - 0.25 + 0.08 + 0.25 + 0.2, 2);
    expect(key).toEqual({
      regionId: "nyc-161",
      productType: "ride",
      tick: 812,
      rulesVersion: "rul_0123456789ab",
      modelVersion: "mdl_0123456789ab",
      source: "model",
      priceMinor: price.priceMinor,
    });
  });

  it("makes the same decision from the same material, also after it was stored as JSON", () => {
    const available = fc.option(fc.nat({ max: 500 }));
    const p50 = fc.option(fc.double({ min: 0, max: 500, noNaN: true }));
    const source = fc.constantFrom(...SOURCES);
    fc.assert(
      fc.property(soundRules(), available, p50, source, ({ rules }, drivers, expected, from) => {
        const supply = drivers === null ? null : reading({ available: drivers, busy: 1 });
        const made = material({
          rules: { version: "rul_0123456789ab" as RulesVersion, document: documentOf(rules) },
          snapshot: snapshot({ ...everything, supply }),
          forecast: expected === null ? null : forecast(expected),
          source: from,
        });
        const decision = decide(made);
        expect(decide(structuredClone(made))).toEqual(decision);
        // As JSON: it writes no undefined, and no sign of a zero.
        const stored = JSON.parse(JSON.stringify(made));
        expect(JSON.stringify(decide(stored))).toBe(JSON.stringify(decision));
      }),
    );
  });

  it("with rules only decides the base price, whatever else is known", () => {
    const context = snapshot(everything, { bookingCount15m: 500 });
    const only = decided({ snapshot: context, forecast: null, source: "rules_only" });
    const nothing = decided({ snapshot: null, forecast: null, source: "rules_only" });
    for (const { key, price, confidence, demandScore } of [only, nothing]) {
      expect(price).toMatchObject({ priceMinor: 1_000, baseMinor: 1_000, surgeMultiplier: 1 });
      expect(Object.values(price.factors)).toEqual([0, 0, 0, 0, 0]);
      expect(price.missing).toEqual(["demand", "supply", "time_of_day", "weather", "events"]);
      expect({ confidence, demandScore }).toEqual({ confidence: 0, demandScore: null });
      expect(key.modelVersion).toBeNull();
    }
    expect(only.key.tick).toBe(812);
    expect(nothing.key.tick).toBe(0);
  });

  it("with rules only holds the base price to its bounds and its grid", () => {
    fc.assert(
      fc.property(soundRules(), ({ rules, sold }) => {
        const version = "rul_0123456789ab" as RulesVersion;
        const { price } = decided({
          rules: { version, document: documentOf(rules) },
          snapshot: null,
          forecast: null,
          source: "rules_only",
        });
        const { factors, adjustments } = price;
        expect(Object.values(factors).every((factor) => factor === 0)).toBe(true);
        const isFree =
          (sold.floorMinor ?? 0) <= sold.baseMinor &&
          (sold.ceilingMinor ?? Number.POSITIVE_INFINITY) >= sold.baseMinor &&
          rules.minMultiplier <= 1 &&
          rules.maxMultiplier >= 1;
        if (isFree) expect(adjustments.constraint).toBe(0);
        if (isFree && sold.baseMinor % rules.roundingMinor === 0) {
          expect(price.priceMinor).toBe(sold.baseMinor);
        }
      }),
    );
  });

  it("leaves out what is unknown or has run out, and names it", () => {
    const ran = plus(AS_OF, -10 * MINUTE_MS);
    const old = { supply: reading({ available: 1, busy: 1 }, ran), localEvent: reading(1, ran) };
    expect(decided({ snapshot: snapshot(old) }).price.missing).toEqual([
      "supply",
      "weather",
      "events",
    ]);
    expect(decided({ forecast: null }).price.missing).toContain("demand");
    const unusual = { ...snapshot(everything), usual: [5, 5, null, 5] };
    expect(decided({ snapshot: unusual })).toMatchObject({
      demandScore: null,
      price: { missing: ["demand"] },
    });
  });

  it("reads the hour on the region's own clock", () => {
    const region = { ...material().region, timeZone: "Asia/Kolkata" };
    expect(decided({ region }).inputs.localHour).toBe(17);
  });

  it.each(["boat", "constructor"])("does not price %s, which is not sold here", (name) => {
    const productType = name as ProductType;
    expect(decide(material({ productType }))).toEqual({ reason: "unknown_product", productType });
  });
});

const hex12 = fc.stringMatching(/^[0-9a-f]{12}$/);
const decisionKey: fc.Arbitrary<DecisionKey> = fc.record({
  regionId: fc.stringMatching(/^[a-z0-9-]{1,64}$/).map((id) => id as RegionId),
  productType: fc.stringMatching(/^[a-z0-9_]{1,64}$/).map((name) => name as ProductType),
  tick: fc.nat({ max: 1e15 - 1 }),
  rulesVersion: hex12.map((hex) => `rul_${hex}` as RulesVersion),
  modelVersion: fc.option(hex12.map((hex) => `mdl_${hex}` as ModelVersion)),
  source: fc.constantFrom(...SOURCES),
  priceMinor: fc.nat({ max: 1e15 - 1 }),
});

describe("a decision's key", () => {
  it("is read from its text as it was written", () => {
    fc.assert(
      fc.property(decisionKey, fc.stringMatching(/^[0-9a-z]{1,32}$/), (key, nonce) => {
        expect(parseKey(textOfKey(key))).toEqual(key);
        const id = `${requestIdPrefixOf(textOfKey(key))}${nonce}`;
        expect(keyOfRequestId(id)).toEqual(key);
        expect(id).toBe(`req_${textOfKey(key)}.${nonce}`);
      }),
    );
  });

  it("is the text it always was", () => {
    const { key } = decided();
    expect(textOfKey({ ...key, priceMinor: 1_575 })).toBe(
      "nyc-161.ride.812.rul_0123456789ab.mdl_0123456789ab.model.1575",
    );
    expect(textOfKey({ ...key, modelVersion: null, source: "rules_only", tick: 0 })).toBe(
      `nyc-161.ride.0.rul_0123456789ab.-.rules_only.${key.priceMinor}`,
    );
    expect(key.productType).toBe(RIDE);
  });

  const good = "nyc-161.ride.812.rul_0123456789ab.mdl_0123456789ab.model.1575";
  it.each([
    ["nothing", ""],
    ["a part too few", good.replace(".812", "")],
    ["a part too many", `${good}.1`],
    ["a source that is none", good.replace(".model.", ".guess.")],
    ["a source that every object has", good.replace(".model.", ".constructor.")],
    ["a negative tick", good.replace("812", "-812")],
    ["a tick that is no safe integer", good.replace("812", "9".repeat(16))],
    ["a tick with a zero before it", good.replace("812", "0812")],
    ["a fraction of a price", good.replace("1575", "15.75")],
    ["rules of another length", good.replace("rul_0", "rul_")],
    ["no rules", good.replace("rul_0123456789ab", "-")],
    ["upper case", good.toUpperCase()],
    ["a line after it", `${good}\n`],
    ["a space before it", ` ${good}`],
  ])("is not read from %s", (_, text) => {
    expect(parseKey(good)).not.toBeNull();
    expect(parseKey(text)).toBeNull();
    expect(keyOfRequestId(`req_${text}.abc`)).toBeNull();
  });

  it("is not read from any text that it would not be written as", () => {
    const nearly = fc
      .tuple(fc.nat({ max: good.length }), fc.string({ maxLength: 3 }), fc.nat({ max: 3 }))
      .map(([at, put, cut]) => good.slice(0, at) + put + good.slice(at + cut));
    fc.assert(
      fc.property(fc.oneof(fc.string(), nearly), (text) => {
        const key = parseKey(text);
        if (key) expect(textOfKey(key)).toBe(text);
      }),
    );
  });

  it("has an id that must begin with req_ and end in a nonce", () => {
    for (const id of [good, `req_${good}`, `req_${good}.`, `req_${good}.A`, `xreq_${good}.a`]) {
      expect(keyOfRequestId(id)).toBeNull();
    }
  });
});
