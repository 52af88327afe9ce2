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
  type EmergencyVersion,
  type EpochMs,
  MINUTE_MS,
  type MinorUnits,
  type ModelVersion,
  type ProductType,
  plus,
  type RegionId,
  type RulesVersion,
} from "../../domain/units.ts";
import { AS_OF, forecast, material, RIDE, snapshot } from "../support/decision-samples.ts";
import { documentOf, layer, settings, soundDocuments } from "../support/pricing-samples.ts";

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
    expect(inputs).toMatchObject({
      demandScore: 0.75,
      availableSupply: 30,
      utilization: 9 / 39,
      recentDemand: 10,
      cancelRate15m: 0,
      localHour: 8,
      dayOfWeek: 1,
      weatherSeverity: 0.5,
      trafficIndex: null,
      eventScore: 0.4,
      holiday: 0,
      attributes: null,
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
      period: 0,
      emergencyVersion: null,
      experiment: null,
      attributes: null,
    });
  });

  it("makes the same decision from the same material, also after it was stored as JSON", () => {
    const available = fc.option(fc.nat({ max: 500 }));
    const p50 = fc.option(fc.double({ min: 0, max: 500, noNaN: true }));
    const source = fc.constantFrom(...SOURCES);
    fc.assert(
      fc.property(soundDocuments(), available, p50, source, (document, drivers, expected, from) => {
        const supply = drivers === null ? null : reading({ available: drivers, busy: 1 });
        const made = material({
          rules: { version: "rul_0123456789ab" as RulesVersion, document },
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

  describe("by rules with dates", () => {
    const sale = plus(AS_OF, 3_600_000);
    const document = documentOf(
      layer(),
      layer({ name: "sale", from: sale, settings: { adjust: -0.3, announcedReduction: true } }),
    );
    const rules = { version: "rul_0123456789ab" as RulesVersion, document };
    const later = { ...snapshot(), asOf: sale };

    it("goes by the time of the snapshot, whatever the clock says", () => {
      const before = decided({ rules, time: { at: sale } });
      expect(before).toMatchObject({ price: { priceMinor: 1_000 }, announcedSince: null });
      expect(before.key.period).toBe(0);
      const during = decided({ rules, snapshot: later });
      expect(during).toMatchObject({ price: { priceMinor: 700 }, announcedSince: sale });
      expect(during.key.period).toBe(1);
    });

    it("without a snapshot goes by the clock, and replays by its period", () => {
      const alone = { rules, snapshot: null, forecast: null, source: "rules_only" } as const;
      const first = decided({ ...alone, time: { at: sale } });
      expect(first.key.period).toBe(1);
      expect(decided({ ...alone, time: { period: 1 } })).toEqual(first);
      expect(decided({ ...alone, time: { at: AS_OF } }).key.period).toBe(0);
    });
  });

  it("hands on what was told, apart for each variant", () => {
    const document = documentOf(
      layer({ settings: settings({ maxStepPerMinute: 0.1, adjust: 0.5 }) }),
    );
    const rules = { version: "rul_0123456789ab" as RulesVersion, document };
    const before = [{ at: plus(AS_OF, -20_000), priceMinor: 1_000 as MinorUnits }];
    const arm = { id: "exp_a", variant: "b" };
    const past = { ...snapshot(), told: { ride: before } };
    const control = decided({ rules, snapshot: past });
    expect(control.price.priceMinor).toBe(1_100);
    expect(control.told).toEqual([...before, { at: AS_OF, priceMinor: 1_100 }]);
    expect(decided({ rules, snapshot: past, experiment: arm }).price.priceMinor).toBe(1_500);
  });

  it("names the emergency measures only where they bear on the price", () => {
    const version = "emg_0123456789ab" as EmergencyVersion;
    const cap = (regions: string[]) => ({
      version,
      document: {
        caps: [
          {
            name: "storm",
            scope: { regions, products: null },
            reason: "storm",
            maxMultiplier: 0.9,
            maxPrice: null,
          },
        ],
        freezes: [],
      },
    });
    expect(decided({ emergency: cap(["nyc-1"]) }).key.emergencyVersion).toBeNull();
    const capped = decided({ emergency: cap(["nyc-161"]) });
    expect(capped.key.emergencyVersion).toBe(version);
    expect(capped.price.priceMinor).toBe(900);
  });

  it("reads the hour on the region's own clock", () => {
    const region = { ...material().region, timeZone: "Asia/Kolkata" };
    expect(decided({ region }).inputs.localHour).toBe(17);
  });

  it("does not price what the rules price and the region does not sell, whatever the request says", () => {
    const document = documentOf(
      layer({
        settings: settings({ products: { ride: { basePrice: 10 }, boat: { basePrice: 9 } } }),
      }),
    );
    const rules = { version: "rul_0123456789ab" as RulesVersion, document };
    const productType = "boat" as ProductType;
    for (const attributes of [null, {}]) {
      expect(decide(material({ rules, productType, attributes }))).toEqual({
        reason: "unknown_product",
        productType,
      });
    }
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
  period: fc.nat({ max: 999_999 }),
  emergencyVersion: fc.option(hex12.map((hex) => `emg_${hex}` as EmergencyVersion)),
  experiment: fc.option(
    fc.record({
      id: fc.stringMatching(/^exp_[a-z0-9_]{1,60}$/),
      variant: fc.stringMatching(/^[a-z0-9_]{1,64}$/),
    }),
  ),
  attributes: fc.option(
    fc.dictionary(fc.stringMatching(/^[a-z0-9_]{1,20}$/), fc.integer({ min: -999, max: 99_999 }), {
      minKeys: 1,
      maxKeys: 4,
    }),
  ),
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
      "nyc-161.ride.812.rul_0123456789ab.mdl_0123456789ab.model.1575.0.-.-.-",
    );
    const particular = {
      ...key,
      period: 3,
      emergencyVersion: "emg_0123456789ab" as EmergencyVersion,
      experiment: { id: "exp_fares", variant: "steeper" },
      attributes: { stay_weekday: 6, lead_time_days: 21 },
    };
    expect(textOfKey({ ...particular, priceMinor: 1_575 })).toBe(
      "nyc-161.ride.812.rul_0123456789ab.mdl_0123456789ab.model.1575.3.emg_0123456789ab.exp_fares~steeper.lead_time_days~21~stay_weekday~6",
    );
    expect(textOfKey({ ...key, modelVersion: null, source: "rules_only", tick: 0 })).toBe(
      `nyc-161.ride.0.rul_0123456789ab.-.rules_only.${key.priceMinor}.0.-.-.-`,
    );
    expect(key.productType).toBe(RIDE);
  });

  const good =
    "nyc-161.ride.812.rul_0123456789ab.mdl_0123456789ab.model.1575.0.-.exp_a~b.nights~2~weekday~6";
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
    ["attributes out of order", good.replace("nights~2~weekday~6", "weekday~6~nights~2")],
    ["an attribute twice", good.replace("weekday", "nights")],
    ["an attribute without a number", good.replace("~6", "")],
    ["a variant of nothing", good.replace("exp_a~b", "exp_a")],
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
