import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { OPERATIONS } from "../../../contract/operations.ts";
import {
  batchAnswerSchema,
  forecastAnswerSchema,
  priceAnswerSchema,
} from "../../../contract/pricing.ts";
import { problemSchema } from "../../../contract/problem.ts";
import { migrate } from "./migrate.ts";
import { KEYS, World } from "./world.ts";

const COMPUTE = "/api/v1/pricing/compute";
const BATCH = "/api/v1/pricing/batch";
const RIDE = { region_id: "nyc-161", product_type: "standard_ride" };

beforeAll(migrate);

let world: World;
beforeEach(async () => {
  world = await (await new World().publishShipped()).warmUp();
});

/** Status, type and paths of a problem; anything that is no problem fails. */
async function problemOf(response: Response) {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const body = problemSchema.parse(await response.json());
  expect(body.status).toBe(response.status);
  const paths = body.errors?.map((error) => error.path) ?? [];
  return { status: body.status, type: body.type.replace("/docs/problems#", ""), paths };
}

describe("a price", () => {
  it("fits its schema, adds up, and is held for two minutes", async () => {
    const { adjustments, factors, ...answer } = priceAnswerSchema.parse(await world.price());
    const sum = [...Object.values(factors), ...Object.values(adjustments)].reduce(
      (a, b) => a + b,
      1,
    );
    expect(Math.abs(sum - answer.surge_multiplier)).toBeLessThan(1e-9);
    expect(answer.price / answer.base_price).toBe(answer.surge_multiplier);
    const validMs = Date.parse(answer.valid_until) - world.wallNow();
    expect(validMs).toBeGreaterThan(119_000);
    expect(validMs).toBeLessThanOrEqual(120_000);
  });

  it("has ids of its own each time, and the same decision", async () => {
    const answers = [await world.price(), await world.price()];
    const [first, second] = answers.map((answer) => answer.request_id.split("."));
    expect(first?.slice(0, -1)).toEqual(second?.slice(0, -1));
    expect(first?.at(-1)).not.toBe(second?.at(-1));
    expect(answers[0]?.trace_id).toMatch(/^[0-9a-f]{32}$/);
    expect(answers[0]?.trace_id).not.toBe(answers[1]?.trace_id);
  });

  it("takes the caller's trace id", async () => {
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
    expect((await world.price({}, { traceparent })).trace_id).toBe(traceId);
    const problem = await world.fetch("/nowhere", { headers: { traceparent } });
    expect(await problem.json()).toMatchObject({ trace_id: traceId });
  });

  it("does not depend on time, user or quantity of the request", async () => {
    const body = { ...RIDE, timestamp: "2026-01-11T10:30:00+02:00", user_id: "u-1", quantity: 3 };
    const response = await world.send("POST", COMPUTE, body);
    expect(await response.json()).toMatchObject({ price: (await world.price()).price });
  });

  it("is decided anew on Cache-Control: no-cache, and comes to the same", async () => {
    const told = await world.price();
    const anew = await world.price({}, { "cache-control": "no-cache" });
    expect(anew).toMatchObject({ price: told.price, factors: told.factors, cached: false });
    expect((await world.price()).cached).toBe(true);
  });

  it("is told from memory to a key that may not ask for a fresh one", async () => {
    await world.price();
    const response = await world.fetch(COMPUTE, {
      method: "POST",
      key: "pricing",
      headers: { "content-type": "application/json", "cache-control": "no-cache" },
      body: JSON.stringify(RIDE),
    });
    expect(await response.json()).toMatchObject({ cached: true });
  });

  it("says in Server-Timing where it came from", async () => {
    const timing = async (headers = {}) =>
      (
        await world.fetch(COMPUTE, {
          method: "POST",
          key: "admin",
          headers: { "content-type": "application/json", ...headers },
          body: JSON.stringify(RIDE),
        })
      ).headers.get("server-timing");
    expect(await timing()).toBe('memory;desc="hit"');
    expect(await timing({ "cache-control": "no-cache" })).toMatch(/^decision;dur=\d+$/);
    world.coldIsolate();
    expect(await timing()).toMatch(/^features;dur=\d+$/);
  });
});

describe("a batch", () => {
  it("answers each item in its place, with its price or its problem", async () => {
    const items = [RIDE, { ...RIDE, product_type: "boat" }, { ...RIDE, quantity: 0 }, RIDE];
    const response = await world.send("POST", BATCH, { items });
    expect(response.status).toBe(200);
    const answer = batchAnswerSchema.parse(await response.json());
    expect(answer.items.map((item) => ("price" in item ? "price" : item.type))).toEqual([
      "price",
      "/docs/problems#unknown_product",
      "/docs/problems#invalid_request",
      "price",
    ]);
    expect(answer.items[2]).toMatchObject({ errors: [{ path: "items[2].quantity" }] });
  });

  it("takes 200 items over many cold regions", async () => {
    world.coldIsolate();
    const regions = [...JSON.parse(await (await world.fetch("/api/v1/regions")).text()).regions];
    const items = Array.from({ length: 200 }, (_, i) => ({
      ...RIDE,
      region_id: regions[i % regions.length].region_id,
    }));
    const response = await world.send("POST", BATCH, { items });
    const answer = batchAnswerSchema.parse(await response.json());
    expect(answer.items).toHaveLength(200);
    expect(answer.items.every((item) => "price" in item)).toBe(true);
  });

  it.each([
    ["no items", { items: [] }, ["items"]],
    ["201 items", { items: new Array(201).fill(RIDE) }, ["items"]],
    ["a field too many", { items: [RIDE], more: 1 }, ["more"]],
    ["a list", [RIDE], [""]],
    ["null", null, [""]],
  ])("of %s is refused as a whole", async (_, body, paths) => {
    const response = await world.send("POST", BATCH, body);
    expect(await problemOf(response)).toEqual({ status: 422, type: "invalid_request", paths });
  });
});

describe("a forecast", () => {
  it("has a point for each quarter hour up to the horizon", async () => {
    const ask = async (query: string) =>
      forecastAnswerSchema.parse(
        await (await world.fetch(`/api/v1/forecast/demand?${query}`)).json(),
      );
    const hour = await ask("region_id=nyc-161");
    expect(hour.points.map((point) => point.horizon_minutes)).toEqual([15, 30, 45, 60]);
    expect(hour.points.every(({ p10, p50, p90 }) => p10 <= p50 && p50 <= p90)).toBe(true);
    expect((await ask("region_id=nyc-161&horizon=44")).points).toHaveLength(2);
    const price = await world.price();
    expect(hour).toMatchObject({ demand_score: price.demand_score, confidence: price.confidence });
  });

  it.each([
    ["without a region", "", 422, "invalid_request"],
    ["beyond an hour", "region_id=nyc-161&horizon=61", 422, "invalid_request"],
    ["with a field too many", "region_id=nyc-161&hours=1", 422, "invalid_request"],
    ["of a region that is not there", "region_id=nyc-0", 404, "unknown_region"],
  ])("%s is refused", async (_, query, status, type) => {
    const response = await world.fetch(`/api/v1/forecast/demand?${query}`);
    expect(await problemOf(response)).toMatchObject({ status, type });
  });

  it("is unavailable while there is none", async () => {
    world.coldIsolate().set("fails", "r2");
    world.region().lastForecast = null;
    world.region().tick();
    const response = await world.fetch("/api/v1/forecast/demand?region_id=nyc-161");
    expect(await problemOf(response)).toMatchObject({ status: 503, type: "unavailable" });
    expect(response.headers.get("retry-after")).toBe("1");
  });
});

describe("live demand", () => {
  it("comes from the region itself", async () => {
    const response = await world.fetch("/api/v1/regions/nyc-161/demand");
    expect(await response.json()).toMatchObject({
      region_id: "nyc-161",
      windows: { booking_count_1min: 1, available_drivers: 4 },
      totals: { booking: 4, duplicates: 1 },
    });
  });

  it("of a region that is not there is a 404, of one that does not answer a 503", async () => {
    const ask = async (id: string) => problemOf(await world.fetch(`/api/v1/regions/${id}/demand`));
    expect(await ask("nyc-0")).toMatchObject({ status: 404, type: "unknown_region" });
    world.set("hangs", "regions");
    expect(await ask("nyc-161")).toMatchObject({ status: 503, type: "unavailable" });
  });
});

describe("a body", () => {
  const post = (body: BodyInit, contentType = "application/json") =>
    world.fetch(COMPUTE, { method: "POST", headers: { "content-type": contentType }, body });

  it.each([
    ["that is not JSON", "{", 400, "malformed_json", []],
    ["that is empty", "", 400, "malformed_json", []],
    ["that is null", "null", 422, "invalid_request", [""]],
    ["that is a list", "[]", 422, "invalid_request", [""]],
    ["without a product", '{"region_id":"nyc-161"}', 422, "invalid_request", ["product_type"]],
    ["with a field too many", { ...RIDE, price: 1 }, 422, "invalid_request", ["price"]],
    [
      "with __proto__",
      '{"region_id":"a","product_type":"b","__proto__":1}',
      422,
      "invalid_request",
      ["__proto__"],
    ],
    [
      "with a number for a region",
      { ...RIDE, region_id: 161 },
      422,
      "invalid_request",
      ["region_id"],
    ],
    [
      "with capitals in a region",
      { ...RIDE, region_id: "NYC" },
      422,
      "invalid_request",
      ["region_id"],
    ],
    [
      "with a time that is none",
      { ...RIDE, timestamp: "2026-02-30T00:00:00Z" },
      422,
      "invalid_request",
      ["timestamp"],
    ],
    ["with half a ride", { ...RIDE, quantity: 0.5 }, 422, "invalid_request", ["quantity"]],
    ["with an empty user", { ...RIDE, user_id: "" }, 422, "invalid_request", ["user_id"]],
    ["for a region that is not there", { ...RIDE, region_id: "nyc-0" }, 404, "unknown_region", []],
    [
      "for a product that is not sold",
      { ...RIDE, product_type: "constructor" },
      404,
      "unknown_product",
      [],
    ],
  ])("%s is refused", async (_, body, status, type, paths) => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    expect(await problemOf(await post(text))).toEqual({ status, type, paths });
  });

  it("may have 16 KiB, announced or not", async () => {
    const large = JSON.stringify({ ...RIDE, user_id: "u".repeat(17 * 1024) });
    expect(await problemOf(await post(large))).toMatchObject({
      status: 413,
      type: "body_too_large",
    });
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    const written = writer.write(new TextEncoder().encode(large)).then(() => writer.close());
    const response = await post(readable);
    await written;
    expect(await problemOf(response)).toMatchObject({ status: 413, type: "body_too_large" });
  });

  it("comes as JSON or not at all", async () => {
    const body = JSON.stringify(RIDE);
    expect((await post(body, "Application/JSON; charset=utf-8")).status).toBe(200);
    for (const contentType of ["text/plain", "application/x-www-form-urlencoded", ""]) {
      expect(await problemOf(await post(body, contentType))).toMatchObject({
        status: 415,
        type: "unsupported_media_type",
      });
    }
  });
});

describe("an address", () => {
  it("that leads nowhere is a 404, without a key too", async () => {
    for (const path of ["/", "/api/v1/pricing", "/api/v1/pricing/compute/", "/admin/v1/nothing"]) {
      expect(await problemOf(await world.fetch(path, { key: null }))).toMatchObject({
        status: 404,
        type: "not_found",
      });
    }
  });

  it("says which methods it takes", async () => {
    const response = await world.fetch("/admin/v1/rules", { method: "DELETE" });
    expect(response.headers.get("allow")).toBe("GET, PUT");
    expect(await problemOf(response)).toMatchObject({ status: 405, type: "method_not_allowed" });
    expect((await world.fetch(COMPUTE)).headers.get("allow")).toBe("POST");
    expect((await world.fetch("/admin/v1/models/x/publish")).status).toBe(405);
  });

  it("answers HEAD as GET, without a body", async () => {
    const response = await world.fetch("/healthz", { method: "HEAD", key: null });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe("");
  });
});

describe("keys", () => {
  it("that are unknown or in another form are refused", async () => {
    for (const authorization of ["Bearer nonsense", "Bearer ", `Basic ${KEYS.admin}`, KEYS.admin]) {
      const response = await world.fetch("/api/v1/regions", {
        key: null,
        headers: { authorization },
      });
      expect(response.status).toBe(401);
    }
  });

  it("over their limit are told when to come back, and others go on", async () => {
    let response = await world.fetch("/api/v1/regions", { key: "slow" });
    for (let i = 0; i < 200 && response.status === 200; i++) {
      response = await world.fetch("/api/v1/regions", { key: "slow" });
    }
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(response.headers.get("ratelimit")).toMatch(/^"key";r=0;t=\d+$/);
    expect(response.headers.get("ratelimit-policy")).toBe('"key";q=1;w=60');
    expect(await problemOf(response)).toMatchObject({ status: 429, type: "rate_limited" });
    expect((await world.fetch("/api/v1/regions", { key: "pricing" })).status).toBe(200);
    world.aheadMs += 61_000;
    expect((await world.fetch("/api/v1/regions", { key: "slow" })).status).toBe(200);
  });
});

describe("events", () => {
  it("are handed on to ingest as they are, whatever the method", async () => {
    expect((await world.send("POST", "/api/v1/events", {}, "ingest")).status).toBe(202);
    expect((await world.fetch("/api/v1/events/batch", { key: null })).status).toBe(202);
  });

  it("are a 503 while ingest does not answer", async () => {
    world.set("fails", "ingest");
    const response = await world.send("POST", "/api/v1/events", {}, "ingest");
    expect(await problemOf(response)).toMatchObject({ status: 503, type: "unavailable" });
  });
});

describe("what is unexpected", () => {
  it("is a 500 that tells nothing but a trace id, which finds it in the log", async () => {
    world.region().demand = async () => ({}) as never;
    const response = await world.fetch("/api/v1/regions/nyc-161/demand");
    const body = problemSchema.parse(await response.clone().json());
    expect(await problemOf(response)).toMatchObject({ status: 500, type: "internal" });
    expect(body.detail).toBeUndefined();
    expect(world.logs).toContainEqual(
      expect.objectContaining({
        level: "error",
        traceId: body.trace_id,
        stack: expect.any(String),
      }),
    );
  });
});

describe("the description of the API", () => {
  it("is served as OpenAPI 3.1 with every operation, and as pages", async () => {
    const response = await world.fetch("/openapi.json", { key: null });
    const { openapi, paths } = (await response.json()) as {
      openapi: string;
      paths: Record<string, Record<string, { operationId: string }>>;
    };
    expect(openapi).toBe("3.1.0");
    const ids = Object.values(paths).flatMap((methods) =>
      Object.values(methods).map((operation) => operation.operationId),
    );
    expect(new Set(ids)).toEqual(new Set(Object.keys(OPERATIONS)));
    const docs = await world.fetch("/docs", { key: null });
    expect(docs.headers.get("content-type")).toBe("text/html; charset=utf-8");
    const page = await docs.text();
    for (const id of ids) expect(page).toContain(`id="${id}"`);
  });

  it("has a place for every type of problem", async () => {
    const missing = await world.fetch("/nowhere");
    const { type } = problemSchema.parse(await missing.json());
    const [path = "", anchor] = type.split("#");
    const page = await (await world.fetch(path, { key: null })).text();
    expect(page).toContain(`id="${anchor}"`);
  });
});

describe("answers to browsers", () => {
  it("are nobody's to sniff or to keep, and pages load nothing and stand in no frame", async () => {
    const page = await world.fetch("/docs", { key: null });
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(page.headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
    expect(page.headers.get("referrer-policy")).toBe("no-referrer");
    expect(page.headers.get("strict-transport-security")).toMatch(/^max-age=\d+$/);
    const answers = [
      await world.fetch("/admin/v1/keys", { key: "admin" }),
      await world.fetch("/admin/v1/keys", { key: null }),
      await world.fetch("/nowhere"),
    ];
    for (const { headers } of [page, ...answers]) {
      expect(headers.get("x-content-type-options")).toBe("nosniff");
    }
    for (const { headers } of answers) expect(headers.get("cache-control")).toBe("no-store");
  });
});

describe("metrics", () => {
  it("count requests by route and status, and prices by source", async () => {
    await world.price();
    await world.send("POST", COMPUTE, {});
    expect(await world.metric('pricing_requests_total{route="computePrice",status="200"}')).toBe(1);
    expect(await world.metric('pricing_requests_total{route="computePrice",status="422"}')).toBe(1);
    expect(await world.metric('pricing_prices_total{source="model",stale="false"}')).toBe(1);
    expect(await world.metric("pricing_price_multiplier_count")).toBe(1);
  });
});
