import { beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { Context, Reading } from "../../../domain/context.ts";
import { CURVE_INPUTS } from "../../../domain/curve.ts";
import { DAY_MS, type EpochMs, plus } from "../../../domain/units.ts";
import shopRegions from "../../../rules/packs/e-commerce.regions.json" with { type: "json" };
import shopSample from "../../../rules/packs/e-commerce.sample.json" with { type: "json" };
import shopRules from "../../../rules/packs/e-commerce.yaml?raw";
import deliveryRegions from "../../../rules/packs/food-delivery.regions.json" with { type: "json" };
import deliveryRules from "../../../rules/packs/food-delivery.yaml?raw";
import hotelRegions from "../../../rules/packs/hospitality.regions.json" with { type: "json" };
import hotelSample from "../../../rules/packs/hospitality.sample.json" with { type: "json" };
import hotelRules from "../../../rules/packs/hospitality.yaml?raw";
import rideRegions from "../../../rules/packs/ride-hailing.regions.json" with { type: "json" };
import rideRules from "../../../rules/packs/ride-hailing.yaml?raw";
import {
  inputSentence,
  missingInputSentence,
} from "../../../workers/pricing/explain/input-sentences.ts";
import { migrate } from "./migrate.ts";
import { SHIPPED_CARD, SHIPPED_CARD_JSON, shippedOnnx } from "./shipped-model.ts";
import { World } from "./world.ts";

beforeAll(migrate);

/** A world in which nothing but a pack was published, through the admin API. */
async function worldOf(
  rules: string,
  regions: unknown,
  prepare: (world: World) => unknown = () => undefined,
): Promise<World> {
  const world = new World();
  prepare(world);
  world.publishModel(await shippedOnnx(), SHIPPED_CARD_JSON, SHIPPED_CARD.version);
  for (const [what, document] of [
    ["regions", regions],
    ["rules", parse(rules)],
  ] as const) {
    const response = await world.send("PUT", `/admin/v1/${what}`, document, "admin");
    if (response.status !== 200) throw new Error(`${what}: ${await response.text()}`);
  }
  return world.warmUp();
}

/** A snapshot of an instant at which only this is known. */
function known(at: string, context: (asOf: EpochMs) => Partial<Context>) {
  const asOf = Date.parse(at) as EpochMs;
  return { asOf, context: { ...NOTHING, ...context(asOf) } };
}

const NOTHING: Context = {
  ...{ supply: null, weather: null, traffic: null, localEvent: null, holiday: null },
  products: {},
};

function reading<Value>(value: Value, observedAt: EpochMs): Reading<Value> {
  return { value, observedAt, validUntil: plus(observedAt, DAY_MS) };
}

function situation<Sample extends { name: string }>(
  of: { situations: Sample[] },
  name: string,
): Sample {
  const found = of.situations.find((one) => one.name === name);
  if (!found) throw new Error(`no situation is called ${name}`);
  return found;
}

describe("what a curve reads", () => {
  it.each(CURVE_INPUTS)("is told in whole sentences: %s", (input) => {
    for (const sentence of [inputSentence(input, 1), missingInputSentence(input, "it")]) {
      expect(sentence).toMatch(/^[A-Z0-9][^_]*\.$/);
      expect(sentence).not.toMatch(/undefined|NaN/);
    }
  });
});

describe("rule packs", () => {
  it.each([
    ["ride-hailing", rideRules, rideRegions],
    ["hospitality", hotelRules, hotelRegions],
    ["e-commerce", shopRules, shopRegions],
    ["food-delivery", deliveryRules, deliveryRegions],
  ])(
    "are published with their regions, and price all that those sell: %s",
    async (_, rules, document) => {
      const world = await worldOf(rules, document);
      for (const { region_id, product_types, currency } of document.regions) {
        const items = product_types.map((product_type) => ({ region_id, product_type }));
        const response = await world.send("POST", "/api/v1/pricing/batch", { items }, "admin");
        const { items: results } = await response.json<{
          items: { currency: string; source: string }[];
        }>();
        expect(results).toHaveLength(product_types.length);
        for (const result of results) expect(result).toMatchObject({ currency, source: "model" });
      }
    },
  );

  it("price a room by the occupancy of the region and by what the request says, and explain each", async () => {
    const { at, attributes, expected } = situation(
      hotelSample,
      "a full Friday in September, two weeks ahead",
    );
    const nearlyFull = known(at, (asOf) => ({
      supply: reading({ available: 10, busy: 90 }, asOf),
    }));
    const world = await worldOf(hotelRules, hotelRegions, (empty) =>
      empty.region("lisbon-city").tick(nearlyFull),
    );
    const body = { region_id: "lisbon-city", product_type: "room_a", attributes };
    const response = await world.send("POST", "/api/v1/pricing/compute", body, "admin");
    const answer = await response.json<{ price: number; factors: object; request_id: string }>();
    expect(answer.price).toBe(expected.price);
    expect(answer.factors).toMatchObject({
      occupancy: expect.closeTo(0.215, 9),
      lead_time: expect.closeTo(0.01, 9),
    });
    // The same request again is the same decision, from memory; another is decided for itself.
    const ask = async (attributes: object | undefined) => {
      const asked = { ...body, attributes };
      const told = await world.send("POST", "/api/v1/pricing/compute", asked, "admin");
      return told.json<{ cached: boolean }>();
    };
    expect(await ask(attributes)).toMatchObject({ cached: true, price: expected.price });
    expect(await ask({ ...attributes, lead_time_days: 90 })).toMatchObject({ cached: false });
    expect(await world.metric('pricing_decision_cache_looks_total{outcome="hit"}')).toBe(1);
    await world.settle();
    expect(await world.metric("pricing_decisions_logged_total")).toBe(2);
    const explained = await world.fetch(
      `/api/v1/pricing/explain?request_id=${encodeURIComponent(answer.request_id)}`,
      { key: "admin" },
    );
    const { replayed, steps } = await explained.json<{
      replayed: boolean;
      steps: { name: string; sentence: string }[];
    }>();
    expect(steps.find(({ name }) => name === "occupancy")?.sentence).toMatch(
      /^90 % of what can be booked is taken\. That adds 0\.2\d times the base price\.$/,
    );
    expect(replayed).toBe(true);
    expect(steps.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["occupancy", "lead_time", "weekday", "season"]),
    );
  });

  it("price a product by its own stock and competitor, and explain what was known of them", async () => {
    const { at, expected } = situation(shopSample, "five days of stock left");
    const stocked = known(at, (asOf) => ({
      products: {
        sku_22423: {
          stock: reading({ onHand: 200, dailySales: 40 }, asOf),
          competitorPrice: reading(14.025, asOf),
        },
        sku_47566: { stock: reading({ onHand: 0, dailySales: 40 }, asOf), competitorPrice: null },
      },
    }));
    const world = await worldOf(shopRules, shopRegions, (empty) =>
      empty.region("uk-shop").tick(stocked),
    );
    const price = await world.price({ regionId: "uk-shop", product: "sku_22423" });
    expect(price.price).toBe(expected.price);
    const explained = await world.fetch(
      `/api/v1/pricing/explain?request_id=${encodeURIComponent(price.request_id)}`,
      { key: "admin" },
    );
    expect(await explained.json()).toMatchObject({
      replayed: true,
      inputs: { context: { stock_on_hand: 200, daily_sales: 40, competitor_price: 14.025 } },
    });
    const soldOut = await world.price({ regionId: "uk-shop", product: "sku_47566" });
    expect(soldOut.surge_multiplier).toBeCloseTo(1.15, 2);
    expect((await world.price({ regionId: "uk-shop", product: "sku_20685" })).price).toBe(7.95);
  });
});
