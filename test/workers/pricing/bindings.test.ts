import { env, exports } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { deadLettersAnswerSchema } from "../../../contract/dead-letters.ts";
import { explainAnswerSchema } from "../../../contract/explain.ts";
import { type PriceAnswer, priceAnswerSchema } from "../../../contract/pricing.ts";
import { findDecision } from "../../../workers/pricing/decision-store.ts";
import { segmentStoreFrom } from "../../../workers/pricing/decisions/segment-store.ts";
import { SHIPPED } from "../../../workers/pricing/documents.ts";
import worker from "../../../workers/pricing/index.ts";
import { loggedDecision } from "../../support/logged-decisions.ts";
import { TEST_KEYS } from "../../support/test-keys.ts";
import { deliverDecisions } from "./deliver-decisions.ts";
import { migrate } from "./migrate.ts";
import { modelForm, SHIPPED_CARD, SHIPPED_CARD_JSON, shippedOnnx } from "./shipped-model.ts";

/** The Worker as it is deployed, on its own bindings, beside the real ingest and aggregator. */
const ask = (path: string, init: RequestInit = {}, key: string = TEST_KEYS.admin) =>
  exports.default.fetch(`https://pricing.test${path}`, {
    ...init,
    headers: { authorization: `Bearer ${key}`, ...init.headers },
  });
const send = (method: string, path: string, body: unknown) =>
  ask(path, {
    method,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
async function price(regionId = "nyc-161"): Promise<PriceAnswer> {
  const body = { region_id: regionId, product_type: "standard_ride" };
  return priceAnswerSchema.parse(
    await (await send("POST", "/api/v1/pricing/compute", body)).json(),
  );
}

beforeAll(async () => {
  await migrate();
  expect((await send("PUT", "/admin/v1/regions", SHIPPED.regions.document)).status).toBe(200);
  expect((await send("PUT", "/admin/v1/rules", SHIPPED.rules.json)).status).toBe(200);
  const path = `/admin/v1/models/${SHIPPED_CARD.version}`;
  const form = modelForm(await shippedOnnx(), SHIPPED_CARD_JSON);
  expect((await ask(path, { method: "PUT", body: form })).status).toBe(201);
  expect((await ask(`${path}/publish`, { method: "POST" })).status).toBe(200);
});

afterEach(() => vi.useRealTimers());

describe("the pricing Worker on its bindings", () => {
  it("is ready, and prices by the model from the region's own features", async () => {
    expect((await ask("/readyz", {}, "nobodys-key")).status).toBe(200);
    expect(await price()).toMatchObject({
      source: "model",
      stale: false,
      model_version: SHIPPED_CARD.version,
    });
  });

  it("explains a price at once, and from D1 once the queue has delivered it", async () => {
    const { request_id, price: told } = await price("nyc-234");
    const explain = async () =>
      explainAnswerSchema.parse(
        await (await ask(`/api/v1/pricing/explain?request_id=${request_id}`)).json(),
      );
    expect(await explain()).toMatchObject({ replayed: true, decision: { price: told } });
    await vi.waitFor(async () => expect((await explain()).decided_at).not.toBeNull(), {
      timeout: 10_000,
      interval: 200,
    });
    expect(await explain()).toMatchObject({ replayed: true, decision: { price: told } });
  });

  it("hands events on to ingest, and shows them in the region's live demand", async () => {
    const event = {
      event_type: "booking",
      region_id: "nyc-231",
      timestamp: new Date().toISOString(),
      idempotency_key: "b-1",
    };
    const accepted = await send("POST", "/api/v1/events", event);
    expect(accepted.status).toBe(202);
    await vi.waitFor(
      async () => {
        const demand = await ask("/api/v1/regions/nyc-231/demand");
        expect(await demand.json()).toMatchObject({ totals: { booking: 1 } });
      },
      { timeout: 10_000, interval: 100 },
    );
  });

  it("answers twenty first requests of a region at once, all of them from the same snapshot", async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => price("nyc-249")));
    expect(new Set(answers.map((answer) => answer.source))).toEqual(new Set(["model"]));
    expect(new Set(answers.map((answer) => answer.price)).size).toBe(1);
  });
});

describe("the consumer of decisions", () => {
  const record = (id: string) => ({
    id,
    decidedAt: 1,
    decision: {
      key: {
        regionId: "r",
        productType: "p",
        tick: 1,
        rulesVersion: "rul",
        source: "model",
        priceMinor: 1,
      },
      price: { currency: "USD", surgeMultiplier: 1 },
    },
  });
  /** Delivers messages; answers the bodies that are to come again. */
  async function deliver(
    bindings: { DB?: unknown; EVENT_LOG?: unknown },
    ...bodies: string[]
  ): Promise<string[]> {
    const again: string[] = [];
    const messages = bodies.map((body, i) => ({
      ...{ id: String(i), timestamp: new Date(), attempts: 1, body },
      retry: () => again.push(body),
    }));
    const batch = { queue: "decisions", messages };
    await worker.queue(batch as never, { ...env, ...bindings } as never);
    return again;
  }
  const ids = async () => {
    const { results } = await env.DB.prepare(
      "SELECT id FROM decisions WHERE region_id = 'r'",
    ).all();
    return results.map((row) => row.id);
  };

  it("writes what it can, and asks again for what is not taken", async () => {
    const [first, bad, second] = ["first", "bad", "second"].map((id) =>
      JSON.stringify([record(id)]),
    );
    const bucket = {
      put: (key: string, bytes: Uint8Array) =>
        new TextDecoder().decode(bytes).includes('"bad"')
          ? Promise.reject(new Error("not this one"))
          : env.EVENT_LOG.put(key, bytes),
    };
    const again = await deliver({ EVENT_LOG: bucket }, first ?? "", bad ?? "", second ?? "");
    expect(again).toEqual([bad]);
    expect(await ids()).toEqual(["first", "second"]);
  });

  it("sets aside what it cannot read, where an operator finds it", async () => {
    expect(await deliver({}, "no JSON")).toEqual([]);
    expect(await deliver({}, JSON.stringify([{ id: "without a price" }]))).toEqual([]);
    await vi.waitFor(
      async () => {
        const answer = await ask("/admin/v1/dead-letters?queue=decisions");
        const { dead_letters } = deadLettersAnswerSchema.parse(await answer.json());
        expect(dead_letters).toHaveLength(2);
        const unreadable = { reason: "unreadable", state: "waiting" };
        expect(dead_letters).toContainEqual(expect.objectContaining({ ...unreadable, bytes: 7 }));
      },
      { timeout: 10_000, interval: 100 },
    );
  });

  it("asks again for everything while D1 is down", async () => {
    const down = {
      prepare: env.DB.prepare.bind(env.DB),
      batch: () => Promise.reject(new Error("down")),
    };
    const messages = [JSON.stringify([record("third")]), JSON.stringify([record("fourth")])];
    expect(await deliver({ DB: down }, ...messages)).toEqual(messages);
    expect(await deliver({}, ...messages)).toEqual([]);
    expect(await ids()).toEqual(expect.arrayContaining(["third", "fourth"]));
  });
});

describe("housekeeping", () => {
  const day = 24 * 60 * 60 * 1_000;
  const deliverAged = (id: string, days: number) => {
    const decidedAt = Date.now() - days * day;
    const record = loggedDecision({ id, decidedAt, key: { regionId: "aged" } });
    return deliverDecisions([JSON.stringify([record])]);
  };
  const aged = async () => {
    const { results } = await env.DB.prepare(
      "SELECT id FROM decisions WHERE region_id = 'aged' ORDER BY id",
    ).all();
    return results.map(({ id }) => id);
  };
  const objects = async () => {
    const { objects } = await env.EVENT_LOG.list({ prefix: "decisions/" });
    return objects.length;
  };

  it("forgets decisions and their segments after thirty days, and no earlier", async () => {
    const before = await objects();
    await deliverAged("old", 30.001);
    await deliverAged("kept", 29.999);
    expect(await objects()).toBe(before + 2);
    await worker.scheduled({} as never, env as never);
    expect(await aged()).toEqual(["kept"]);
    // Those of the tests before are decisions of 1970.
    expect(await objects()).toBeLessThan(before + 2);
    const kept = { database: drizzle(env.DB), segments: segmentStoreFrom(env.EVENT_LOG) };
    expect(await findDecision(kept, "kept")).toMatchObject({ id: "kept" });
  });

  it("keeps decisions as many days as the variable says, however many there are to delete", async () => {
    const many = Array.from({ length: 12_000 }, (_, n) =>
      loggedDecision({
        id: `many-${n}`,
        decidedAt: Date.now() - 3 * day,
        key: { regionId: "aged" },
      }),
    );
    await deliverDecisions([JSON.stringify(many)]);
    await worker.scheduled({} as never, { ...env, DECISIONS_RETENTION_DAYS: "2" } as never);
    expect(await aged()).toEqual([]);
    const broken = { ...env, DECISIONS_RETENTION_DAYS: "a month" };
    await expect(worker.scheduled({} as never, broken as never)).rejects.toThrow("number of days");
  });
});
