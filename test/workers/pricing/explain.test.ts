import { env } from "cloudflare:workers";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { type ExplainAnswer, explainAnswerSchema } from "../../../contract/explain.ts";
import { priceAnswerSchema } from "../../../contract/pricing.ts";
import { POINTER } from "../../../contract/store-keys.ts";
import type { Context, Reading } from "../../../domain/context.ts";
import { FEATURE_NAMES } from "../../../domain/features.ts";
import type { FeatureSnapshot } from "../../../domain/snapshot.ts";
import { type EpochMs, HOUR_MS, type ModelVersion } from "../../../domain/units.ts";
import { SHIPPED } from "../../../workers/pricing/documents.ts";
import { deliverDecisions } from "./deliver-decisions.ts";
import { EVENT_TIME } from "./fake-region.ts";
import { migrate } from "./migrate.ts";
import { World } from "./world.ts";

beforeAll(migrate);

let world: World;
beforeEach(async () => {
  await env.DB.exec("DELETE FROM decisions");
  world = await (await new World().publishShipped()).warmUp();
});

const explain = (requestId: string) =>
  world.fetch(`/api/v1/pricing/explain?request_id=${encodeURIComponent(requestId)}`);
async function explained(requestId: string): Promise<ExplainAnswer> {
  const response = await explain(requestId);
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  return explainAnswerSchema.parse(await response.json());
}
const batchOfPrices = z.object({ items: z.array(priceAnswerSchema) });
/** What the queue would deliver, delivered. */
const deliver = () => deliverDecisions(world.queue.splice(0));

describe("an explanation", () => {
  it("shows the decision, its inputs, and steps that add up to it", async () => {
    const price = await world.price();
    const answer = await explained(price.request_id);
    expect(answer).toMatchObject({ replayed: true, request_id: price.request_id });
    expect(answer.decision).toMatchObject({ price: price.price, factors: price.factors });
    const sum = answer.steps.reduce((total, step) => total + (step.contribution ?? 0), 0);
    expect(Math.abs(sum - price.surge_multiplier)).toBeLessThan(1e-9);
    expect(answer.steps.at(-1)).toMatchObject({ name: "price", value: price.price });
    expect(Object.keys(answer.inputs.features)).toEqual([...FEATURE_NAMES]);
    expect(answer.inputs.forecast?.points).toHaveLength(4);
    expect(answer.inputs.rules).toMatchObject({
      layers: ["everywhere"],
      document: SHIPPED.rules.json,
    });
    for (const { sentence } of answer.steps) expect(sentence).toMatch(/^[A-Z0-9].*\.$/);
    expect(answer.summary).toContain("Midtown Center");
    expect(answer.summary).toContain(`${price.price.toFixed(2)} USD`);
  });

  it("is there at once, before the log has the decision, and the log's afterwards", async () => {
    const { request_id } = await world.price();
    expect((await explained(request_id)).decided_at).toBeNull();
    await world.settle();
    await deliver();
    const logged = await explained(request_id);
    expect(logged.decided_at).not.toBeNull();
    expect(logged.replayed).toBe(true);
  });

  it("outlives the isolate that died with its log", async () => {
    const { request_id } = await world.price();
    world.region().tick({ usual: [9, 9, 9, 9] });
    world.coldIsolate();
    expect((await explained(request_id)).replayed).toBe(true);
  });

  it("needs nothing but the log once the region has forgotten and the model is gone", async () => {
    const { request_id } = await world.price();
    await world.settle();
    await deliver();
    world.region().snapshots.length = 0;
    world.r2.clear();
    world.coldIsolate();
    expect((await explained(request_id)).replayed).toBe(true);
  });

  it("is of the rules that priced, not of those in force now", async () => {
    const { request_id, base_price } = await world.price();
    const rules = structuredClone(
      SHIPPED.rules.json,
    ) as typeof import("../../../rules/generated/ride-hailing.json");
    for (const layer of rules.rules) layer.products.standard_ride.base_price = 99;
    await world.send("PUT", "/admin/v1/rules", rules, "admin");
    expect((await world.price()).base_price).toBe(99);
    const answer = await explained(request_id);
    expect(answer).toMatchObject({ replayed: true, decision: { base_price } });
    expect(answer.inputs.rules.version).toBe(SHIPPED.rules.version);
  });

  it("of a price by the last forecast replays it", async () => {
    world.region().tick();
    world.coldIsolate().set("fails", "r2");
    const price = await world.price();
    expect(price.source).toBe("last_forecast");
    expect(await explained(price.request_id)).toMatchObject({
      replayed: true,
      decision: { source: "last_forecast", price: price.price },
    });
  });

  it("of a price by rules alone says that nothing was known", async () => {
    world.coldIsolate().set("fails", "regions", "cache");
    const price = await world.price();
    const answer = await explained(price.request_id);
    expect(answer).toMatchObject({ replayed: true, inputs: { tick: 0, forecast: null } });
    expect(answer.summary).toContain("Nothing was known");
  });

  it("of a decision that the log has otherwise than it comes out now is not called replayed", async () => {
    const { request_id } = await world.price();
    await world.settle();
    world.queue.splice(
      0,
      world.queue.length,
      ...world.queue.map((m) => m.replace('"usual":[3', '"usual":[4')),
    );
    await deliver();
    expect((await explained(request_id)).replayed).toBe(false);
  });
});

describe("no explanation", () => {
  const problem = async (requestId: string) => {
    const response = await explain(requestId);
    return [response.status, ((await response.json()) as { type: string }).type];
  };
  const UNKNOWN = [404, "/docs/problems#unknown_decision"];

  it("is there for an id that names no decision", async () => {
    for (const id of [
      "x",
      "req_",
      "req_a.b.c",
      "req_nyc-161.standard_ride.1.rul_x.mdl_x.model.1.a",
    ]) {
      expect(await problem(id)).toEqual(UNKNOWN);
    }
  });

  it("is there for a price that was never told", async () => {
    const { request_id } = await world.price();
    const forged = (from: RegExp, to: string) => problem(request_id.replace(from, to));
    expect(await forged(/\.model\.\d+\./, ".model.1.")).toEqual(UNKNOWN);
    expect(await forged(/standard_ride/, "boat")).toEqual(UNKNOWN);
    expect(await forged(/nyc-161/, "nyc-0")).toEqual(UNKNOWN);
    expect(await forged(/ride\.1\./, "ride.77.")).toEqual(UNKNOWN);
    expect(await forged(/rul_[0-9a-f]+/, "rul_000000000000")).toEqual(UNKNOWN);
    expect(await forged(/mdl_[0-9a-f]+/, "mdl_000000000000")).toEqual(UNKNOWN);
    expect(await forged(/\.model\./, ".rules_only.")).toEqual(UNKNOWN);
  });

  it("can be had while what holds it is down, and that is not a 404", async () => {
    const { request_id } = await world.price();
    world.coldIsolate().set("fails", "regions", "d1");
    expect(await problem(request_id)).toEqual([503, "/docs/problems#unavailable"]);
  });

  it("comes without a request id", async () => {
    const response = await world.fetch("/api/v1/pricing/explain");
    expect(response.status).toBe(422);
  });
});

describe("a thousand random decisions", () => {
  it("replay to the cent and the last bit, in a cold isolate, and each explanation adds up", async () => {
    const random = generator(20_261_120);
    const regionIds = [...SHIPPED.regions.byId.keys()].slice(0, 50);
    const items = regionIds.flatMap((region_id) =>
      ["standard_ride", "premium_ride"].map((product_type) => ({ region_id, product_type })),
    );
    const told: { request_id: string; price: number }[] = [];
    for (let round = 0; round < 10; round++) {
      for (const id of regionIds) world.region(id).tick(randomSnapshot(random, round));
      world.aheadMs += 1_000;
      await world.send("POST", "/api/v1/pricing/batch", { items });
      await world.settle();
      const response = await world.send("POST", "/api/v1/pricing/batch", { items });
      told.push(...batchOfPrices.parse(await response.json()).items);
    }
    const decisions = told.map((answer) => answer.request_id.split(".").slice(0, -1).join("."));
    expect(new Set(decisions).size).toBe(1_000);
    expect(new Set(told.map((answer) => answer.price)).size).toBeGreaterThan(40);
    await world.settle();
    await deliver();
    // Half of them from the log, half from what the regions keep.
    await env.DB.exec("DELETE FROM decisions WHERE tick % 2 = 0");
    world.coldIsolate();
    let logged = 0;
    for (const { request_id, price } of told) {
      const answer = await explained(request_id);
      const { factors, adjustments, surge_multiplier } = answer.decision;
      const parts = [...Object.values(factors), ...Object.values(adjustments)];
      const sum = parts.reduce((total, part) => total + part, 1);
      expect(answer.replayed).toBe(true);
      expect(answer.decision.price).toBe(price);
      expect(Math.abs(sum - surge_multiplier)).toBeLessThan(1e-9);
      if (answer.decided_at !== null) logged += 1;
    }
    expect(logged).toBe(500);
  }, 120_000);
});

describe("the decision log", () => {
  it("has one row per decision, however often it is told, delivered or decided", async () => {
    for (let i = 0; i < 5; i++) await world.price();
    await world.settle();
    world.coldIsolate();
    await world.price();
    await world.settle();
    const messages = [...world.queue];
    await deliver();
    world.queue.push(...messages);
    await deliver();
    const { results } = await env.DB.prepare(
      "SELECT * FROM decisions WHERE source = 'model'",
    ).all();
    expect(results).toHaveLength(1);
    expect(results[0]).toMatchObject({
      region_id: "nyc-161",
      product_type: "standard_ride",
      tick: 1,
      rules_version: SHIPPED.rules.version,
      model_version: world.kv.get(POINTER.model) as ModelVersion,
      currency: "USD",
    });
  });

  it("gets later what the queue did not take at first", async () => {
    world.set("fails", "queue");
    await world.price();
    await world.settle();
    expect(world.queue).toEqual([]);
    world.set("works", "queue");
    await world.price({ product: "premium_ride" });
    await world.settle();
    const records = world.queue.flatMap((message) => JSON.parse(message) as { id: string }[]);
    expect(records.map((record) => record.id.split(".")[1])).toEqual([
      "standard_ride",
      "premium_ride",
    ]);
  });
});

function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function randomSnapshot(random: () => number, i: number): Partial<FeatureSnapshot> {
  const asOf = (EVENT_TIME + i * 7 * 60_000) as EpochMs;
  const reading = <Value>(value: Value): Reading<Value> | null =>
    random() < 0.3
      ? null
      : { value, observedAt: asOf, validUntil: (asOf + (random() < 0.2 ? 0 : HOUR_MS)) as EpochMs };
  const context: Context = {
    supply: reading({ available: Math.floor(random() * 60), busy: Math.floor(random() * 60) }),
    weather: reading({ tempF: random() * 110, precipIn: random() }),
    traffic: reading(random()),
    localEvent: reading(random()),
    holiday: reading("Memorial Day"),
    products: {
      standard_ride: {
        stock: reading({ onHand: Math.floor(random() * 90), dailySales: random() * 9 }),
        competitorPrice: reading(random() * 40),
      },
    },
  };
  const usual = () => (random() < 0.02 ? null : random() * 40);
  return {
    asOf,
    features: FEATURE_NAMES.map(() => (random() < 0.1 ? null : Math.fround(random() * 6))),
    usual: [usual(), usual(), usual(), usual()],
    signals: {
      asOf,
      bookingCount1m: 1,
      bookingCount5m: 2,
      bookingCount15m: Math.floor(random() * 80),
      searchCount5m: 8,
      searchCount15m: 20,
      cancellationCount15m: 0,
      activeSessions30m: 12,
      lastBookingAt: null,
    },
    context,
  };
}
