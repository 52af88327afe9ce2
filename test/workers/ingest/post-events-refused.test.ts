import { reset } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import type { EventsAnswer } from "../../../contract/events.ts";
import { publishRegions } from "../../support/publish-regions.ts";
import { bearer, TEST_KEYS, TEST_SCOPE } from "../../support/test-keys.ts";
import { storedEvents } from "./stored-events.ts";

const JSON_TYPE = "application/json";

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
const without = (name: string) =>
  Object.fromEntries(Object.entries(booking()).filter(([field]) => field !== name));
const inMinutes = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();

describe("POST /api/v1/events", () => {
  type Bad = [name: string, body: () => BodyInit, status: number, type: string, paths: string[]];
  const bad: Bad[] = [
    ["text that is not JSON", () => '{"event_type": "booking",', 400, "malformed_json", []],
    ["an empty body", () => "", 400, "malformed_json", []],
    ["a number", () => "5", 400, "invalid_events", [""]],
    ["null", () => "null", 400, "invalid_events", [""]],
    ["an empty array", () => "[]", 400, "invalid_events", ["events"]],
    ["no events", () => '{"events":[]}', 400, "invalid_events", ["events"]],
    ["events that are no array", () => '{"events":{}}', 400, "invalid_events", ["events"]],
    ["a field beside events", () => '{"events":[{}],"x":1}', 400, "invalid_events", ["x"]],
    [
      "501 events",
      () => JSON.stringify(Array.from({ length: 501 }, () => booking())),
      400,
      "too_many_events",
      ["events"],
    ],
    [
      "10 MB",
      () => JSON.stringify(booking({ metadata: { x: "x".repeat(10e6) } })),
      413,
      "body_too_large",
      [],
    ],
    ["bytes that are no text", () => Uint8Array.of(0xff, 0xfe, 0, 1), 400, "malformed_json", []],
    [
      "an unknown field",
      () => JSON.stringify(booking({ colour: "red" })),
      400,
      "invalid_events",
      ["colour"],
    ],
    [
      "an unknown region",
      () => JSON.stringify([booking({ region_id: "x" })]),
      400,
      "invalid_events",
      ["events[0].region_id"],
    ],
    [
      "a time to come",
      () => JSON.stringify(booking({ timestamp: inMinutes(6) })),
      400,
      "invalid_events",
      ["timestamp"],
    ],
    [
      "a time that is none",
      () => JSON.stringify([booking({ timestamp: "now" })]),
      400,
      "invalid_events",
      ["events[0].timestamp"],
    ],
    [
      "the 30th of February",
      () => JSON.stringify(booking({ timestamp: "2026-02-30T00:00:00Z" })),
      400,
      "invalid_events",
      ["timestamp"],
    ],
    [
      "a wrong type",
      () => JSON.stringify(booking({ event_type: "booked" })),
      400,
      "invalid_events",
      ["event_type"],
    ],
    ["no region", () => JSON.stringify(without("region_id")), 400, "invalid_events", ["region_id"]],
    [
      "no key",
      () => JSON.stringify({ events: [without("idempotency_key")] }),
      400,
      "invalid_events",
      ["events[0].idempotency_key"],
    ],
    [
      "an empty key",
      () => JSON.stringify(booking({ idempotency_key: "" })),
      400,
      "invalid_events",
      ["idempotency_key"],
    ],
    [
      "a key that is a number",
      () => JSON.stringify(booking({ idempotency_key: 5 })),
      400,
      "invalid_events",
      ["idempotency_key"],
    ],
    [
      "half a booking",
      () => JSON.stringify(booking({ quantity: 0.5 })),
      400,
      "invalid_events",
      ["quantity"],
    ],
    [
      "a booking taken back",
      () => JSON.stringify(booking({ quantity: -1 })),
      400,
      "invalid_events",
      ["quantity"],
    ],
    [
      "a null where text belongs",
      () => JSON.stringify(booking({ user_id: null })),
      400,
      "invalid_events",
      ["user_id"],
    ],
    [
      "metadata that is a list",
      () => JSON.stringify(booking({ metadata: [] })),
      400,
      "invalid_events",
      ["metadata"],
    ],
    [
      "metadata beyond its size",
      () => JSON.stringify(booking({ metadata: { x: "é".repeat(2_100) } })),
      400,
      "invalid_events",
      ["metadata"],
    ],
    [
      "supply without its numbers",
      () => JSON.stringify(booking({ event_type: "supply_update", metadata: { available: "4" } })),
      400,
      "invalid_events",
      ["metadata.available", "metadata.busy"],
    ],
    [
      "stock that sells less than nothing",
      () =>
        JSON.stringify(
          booking({ event_type: "stock_level", metadata: { on_hand: 4, daily_sales: -1 } }),
        ),
      400,
      "invalid_events",
      ["metadata.daily_sales"],
    ],
    [
      "a competitor without a name",
      () =>
        JSON.stringify(
          booking({ event_type: "price_change", metadata: { price: 4, competitor: "" } }),
        ),
      400,
      "invalid_events",
      ["metadata.competitor"],
    ],
    ["an event that is a text", () => '["booking"]', 400, "invalid_events", ["events[0]"]],
  ];
  it.each(bad)("refuses %s and keeps nothing", async (_, body, status, type, paths) => {
    const response = await post(body());
    expect(response.status).toBe(status);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    const problem = await response.json<{
      type: string;
      trace_id: string;
      errors?: { path: string; detail: string }[];
    }>();
    expect(problem.type).toBe(`/docs/problems#${type}`);
    expect(problem.trace_id).toBe(response.headers.get("x-trace-id"));
    expect((problem.errors ?? []).map(({ path }) => path)).toEqual(paths);
    expect(problem.errors?.every(({ detail }) => detail.length > 0) ?? true).toBe(true);
    expect(await storedEvents()).toEqual([]);
  });

  it("tells where text stops being JSON", async () => {
    const problem = await (await post('{"a": 1,\n "b" 2}')).json<{ detail: string }>();
    expect(problem.detail).toMatch(/position 14|line 2/);
  });

  it("lists at most 50 of the fields that do not fit", async () => {
    const events = Array.from({ length: 200 }, () => booking({ region_id: "nowhere" }));
    const problem = await (await post(JSON.stringify(events))).json<{ errors: unknown[] }>();
    expect(problem.errors).toHaveLength(50);
  });

  it("lists at most 50 of them for one event, too", async () => {
    const strange = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`x${i}`, i]));
    const response = await post(JSON.stringify([booking(), booking(strange)]));
    const { accepted, rejected } = await response.json<EventsAnswer>();
    expect(accepted).toBe(1);
    expect(rejected[0]?.errors).toHaveLength(50);
  });

  const callers: [name: string, key: string | null, status: number, type: string][] = [
    ["no key", null, 401, "unauthenticated"],
    ["a wrong key", "who?", 401, "unauthenticated"],
    ["a key of another role", TEST_KEYS.pricing, 403, "forbidden"],
  ];
  it.each(callers)("refuses %s, whatever the body", async (_, key, status, type) => {
    const response = await post("x".repeat(2_000_000), { key });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ type: `/docs/problems#${type}`, status });
  });

  it("refuses other content types, and lists those it takes", async () => {
    for (const type of ["text/plain", "application/cloudevents+xml", ""]) {
      const response = await post(JSON.stringify(booking()), { type });
      expect(response.status).toBe(415);
      expect(response.headers.get("accept-post")).toContain("application/x-ndjson");
      const problem = await response.json<{ type: string; detail: string }>();
      expect(problem.type).toBe("/docs/problems#unsupported_media_type");
      expect(problem.detail).toContain("application/x-protobuf");
    }
  });

  it("refuses other methods, and says which it takes", async () => {
    const response = await exports.default.fetch("https://example.test/api/v1/events");
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("POST");
    await response.body?.cancel();
  });

  it("keeps a key to its regions: their events count, others are rejected one by one", async () => {
    const inside = { region_id: TEST_SCOPE };
    const events = [booking(inside), booking({ region_id: "nyc-234" }), booking(inside)];
    // A field that is not ordinary makes the event go the long way.
    events.push(booking({ region_id: "nyc-234", timestamp: inMinutes(-1).replace("Z", "+00:00") }));
    const response = await post(JSON.stringify({ events }), { key: TEST_KEYS.scoped });
    expect(response.status).toBe(202);
    const { accepted, rejected } = (await response.json()) as EventsAnswer;
    expect(accepted).toBe(2);
    expect(rejected[0]).toMatchObject({
      index: 1,
      type: "forbidden_region",
      errors: [{ path: "region_id" }],
    });
    expect(rejected[1]).toMatchObject({ index: 3, type: "forbidden_region" });
    expect(await storedEvents()).toHaveLength(2);
  });

  it("is a 403 when every event is of a region that the key is not for", async () => {
    const event = JSON.stringify(booking({ region_id: "nyc-234" }));
    const response = await post(event, { key: TEST_KEYS.scoped });
    expect(response.status).toBe(403);
    const { type, errors } = (await response.json()) as { type: string; errors: object[] };
    expect(type).toBe("/docs/problems#forbidden_region");
    expect(errors).toMatchObject([{ path: "region_id" }]);
  });
});
