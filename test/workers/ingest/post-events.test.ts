import { reset } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import type { EventsAnswer } from "../../../contract/events.ts";
import { publishRegions } from "../../support/publish-regions.ts";
import { bearer, TEST_KEYS } from "../../support/test-keys.ts";
import { storedEvents } from "./stored-events.ts";

const JSON_TYPE = "application/json";
const LINES_TYPE = "application/x-ndjson";

beforeEach(async () => {
  await reset();
  await publishRegions(env.CONFIG);
});

function post(
  body: BodyInit,
  { type = JSON_TYPE, key = TEST_KEYS.ingest as string | null, headers = {} } = {},
): Promise<Response> {
  return exports.default.fetch("https://example.test/api/v1/events", {
    method: "POST",
    headers: { "content-type": type, ...(key === null ? {} : bearer(key)), ...headers },
    body,
  });
}

let sequence = 0;
function booking(fields: object = {}) {
  return {
    event_type: "booking",
    region_id: "nyc-161",
    timestamp: new Date().toISOString(),
    idempotency_key: `b-${sequence++}`,
    ...fields,
  };
}
const inMinutes = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();

describe("POST /api/v1/events", () => {
  const shapes: [name: string, type: string, body: () => string, accepted: number][] = [
    ["one event", JSON_TYPE, () => JSON.stringify(booking()), 1],
    ["an array", JSON_TYPE, () => JSON.stringify([booking(), booking()]), 2],
    ["{events: [...]}", JSON_TYPE, () => JSON.stringify({ events: [booking(), booking()] }), 2],
    [
      "NDJSON",
      LINES_TYPE,
      () => `${JSON.stringify(booking())}\n\n${JSON.stringify(booking())}\n`,
      2,
    ],
    ["NDJSON of one line", LINES_TYPE, () => JSON.stringify(booking()), 1],
    ["JSON with a charset", "application/JSON; charset=utf-8", () => JSON.stringify(booking()), 1],
    [
      "500 events",
      JSON_TYPE,
      () => JSON.stringify(Array.from({ length: 500 }, () => booking())),
      500,
    ],
  ];
  it.each(shapes)("takes %s", async (_, type, body, accepted) => {
    const response = await post(body(), { type });
    expect(response.status).toBe(202);
    expect(await response.json()).toEqual({ accepted, rejected: [] });
    expect(await storedEvents()).toHaveLength(accepted);
  });

  it("keeps what the event says, hashes for ids, and nothing that names a person", async () => {
    const at = Date.now();
    const timestamp = new Date(at).toISOString();
    const fields = {
      timestamp,
      user_id: "ann@example.test",
      product_type: "standard_ride",
      quantity: 3,
    };
    const driver = {
      event_type: "driver_location",
      metadata: { driver_id: "driver-7", status: "busy", note: "x" },
    };
    await post(JSON.stringify([booking(fields), booking({ ...driver, user_id: "bob" })]));
    const [booked, located] = (await storedEvents())
      .sort((a, b) => a.quantity - b.quantity)
      .reverse();
    expect(booked).toMatchObject({
      eventType: "booking",
      regionId: "nyc-161",
      occurredAt: at,
      productType: "standard_ride",
      quantity: 3,
      metadata: "",
    });
    expect(booked?.userHigh).not.toBe(0);
    const { driver_id, ...rest } = JSON.parse(located?.metadata ?? "");
    expect(rest).toEqual({ status: "busy", note: "x" });
    expect(driver_id).toMatch(/^[0-9a-f]{16}$/);
    const hex = (half = 0) => half.toString(16).padStart(8, "0");
    expect(driver_id).toBe(hex(located?.userHigh) + hex(located?.userLow));
  });

  it("accepts what fits and says what is wrong with the rest, by place", async () => {
    const response = await post(
      JSON.stringify([
        booking(),
        booking({ region_id: "nowhere-1" }),
        booking({ timestamp: inMinutes(6) }),
        booking({ quantity: 0, metadata: { a: 1 }, colour: "red" }),
        booking({ timestamp: inMinutes(4) }),
      ]),
    );
    expect(response.status).toBe(202);
    const { accepted, rejected } = await response.json<EventsAnswer>();
    expect(accepted).toBe(2);
    expect(rejected.map(({ index, type }) => [index, type])).toEqual([
      [1, "unknown_region"],
      [2, "timestamp_ahead"],
      [3, "invalid_event"],
    ]);
    expect(rejected[2]?.errors?.map(({ path }) => path).sort()).toEqual(["colour", "quantity"]);
    expect(await storedEvents()).toHaveLength(2);
  });

  it("rejects a line that is not JSON like an event that does not fit", async () => {
    const response = await post(`${JSON.stringify(booking())}\n{"event_type":\n`, {
      type: LINES_TYPE,
    });
    expect(response.status).toBe(202);
    const answer = await response.json<EventsAnswer>();
    expect(answer).toMatchObject({ accepted: 1, rejected: [{ index: 1, type: "invalid_event" }] });
    expect(answer.rejected[0]?.detail).toContain("Line 2");
  });

  it("limits a key to its rate, and says when to come again", async () => {
    let response = await post(JSON.stringify(booking()), { key: TEST_KEYS.limited });
    for (let i = 0; i < 110 && response.status === 202; i++) {
      await response.body?.cancel();
      response = await post(JSON.stringify(booking()), { key: TEST_KEYS.limited });
    }
    expect(response.status).toBe(429);
    expect(await response.json()).toMatchObject({ type: "/docs/problems#rate_limited" });
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(response.headers.get("ratelimit-policy")).toBe('"key";q=2;w=60');
    expect(response.headers.get("ratelimit")).toMatch(/^"key";r=0;t=\d+$/);
  });

  it("answers under the caller's trace id", async () => {
    const traceId = "0af7651916cd43dd8448eb211c80319c";
    const headers = { traceparent: `00-${traceId}-b7ad6b7169203331-01` };
    const response = await post(JSON.stringify(booking()), { headers });
    expect(response.headers.get("x-trace-id")).toBe(traceId);
    await response.body?.cancel();
  });
});

describe("the other routes", () => {
  const get = (path: string, key?: string) =>
    exports.default.fetch(`https://example.test${path}`, key ? { headers: bearer(key) } : {});

  it("are open where they say how it is, and closed where they say what was done", async () => {
    expect((await get("/healthz")).status).toBe(200);
    expect(await (await get("/readyz")).json()).toMatchObject({ status: "ready" });
    expect((await get("/metrics")).status).toBe(401);
    expect((await get("/nowhere")).status).toBe(404);
  });

  it("count events and requests", async () => {
    const counted = async (name: string) => {
      const text = await (await get("/metrics", TEST_KEYS.ingest)).text();
      const line = text.split("\n").find((one) => one.startsWith(`${name} `));
      return Number(line?.split(" ").at(-1) ?? 0);
    };
    const accepted = await counted('ingest_events_accepted_total{format="json"}');
    const unknown = await counted(
      'ingest_events_rejected_total{type="unknown_region",format="json"}',
    );
    await post(JSON.stringify([booking(), booking(), booking({ region_id: "x" })]));
    expect(await counted('ingest_events_accepted_total{format="json"}')).toBe(accepted + 2);
    expect(await counted('ingest_events_rejected_total{type="unknown_region",format="json"}')).toBe(
      unknown + 1,
    );
    expect(await counted('ingest_requests_total{status="202"}')).toBeGreaterThan(0);
  });
});
