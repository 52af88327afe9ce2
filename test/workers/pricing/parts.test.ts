import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createBreaker } from "../../../contract/breaker.ts";
import { computeRequestSchema } from "../../../contract/pricing.ts";
import { messagesOf } from "../../../workers/pricing/decision-log.ts";
import { html, prose } from "../../../workers/pricing/docs/html.ts";
import { schemaText } from "../../../workers/pricing/docs/schema-text.ts";
import { RouteTable } from "../../../workers/pricing/route-table.ts";
import { askedFrom } from "../../../workers/pricing/routes/asked.ts";
import { createSingleFlight } from "../../../workers/pricing/single-flight.ts";

describe("askedFrom()", () => {
  const someText = fc.oneof(
    fc.constantFrom(
      "nyc-161",
      "standard_ride",
      "",
      "2026-02-29T00:00:00Z",
      "2024-02-29T23:59:59.5Z",
    ),
    fc.constantFrom("2026-01-11T10:30:00+02:00", "2026-13-01T00:00:00Z", "2026-01-11 10:30:00Z"),
    fc.string({ maxLength: 140 }),
    fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
  );
  const someValue = fc.oneof(someText, fc.integer(), fc.double(), fc.boolean(), fc.constant(null));
  const someRequest = fc.record(
    {
      region_id: fc.oneof({ weight: 4, arbitrary: fc.constant("nyc-161") }, someValue),
      product_type: fc.oneof({ weight: 4, arbitrary: fc.constant("standard_ride") }, someValue),
      timestamp: someValue,
      user_id: someValue,
      quantity: someValue,
      price: someValue,
    },
    { requiredKeys: [] },
  );

  it("accepts exactly what the schema accepts", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          { weight: 9, arbitrary: someRequest },
          fc.json().map((text) => JSON.parse(text)),
        ),
        (json) => {
          const accepted = !("type" in askedFrom(json));
          expect(accepted).toBe(computeRequestSchema.safeParse(json).success);
        },
      ),
      { numRuns: 5_000 },
    );
  });
});

describe("a breaker", () => {
  const policy = { failuresToOpen: 3, openMs: 1_000 };

  it("opens after failures in a row, and only then", () => {
    const breaker = createBreaker(policy);
    for (let i = 0; i < 10; i++) {
      breaker.failed(0);
      breaker.failed(0);
      breaker.succeeded();
    }
    expect(breaker.admits(0)).toBe(true);
    for (let i = 0; i < 3; i++) breaker.failed(0);
    expect(breaker.state(0)).toBe("open");
    expect(breaker.admits(999)).toBe(false);
  });

  it("lets one probe through, closes when it succeeds, and opens again when it fails", () => {
    const breaker = createBreaker(policy);
    for (let i = 0; i < 3; i++) breaker.failed(0);
    expect([breaker.admits(1_000), breaker.admits(1_000)]).toEqual([true, false]);
    expect(breaker.state(1_900)).toBe("half_open");
    breaker.failed(1_000);
    expect(breaker.state(1_900)).toBe("open");
    expect(breaker.admits(1_999)).toBe(false);
    expect(breaker.admits(2_000)).toBe(true);
    breaker.succeeded();
    expect([breaker.admits(2_000), breaker.admits(2_000)]).toEqual([true, true]);
  });

  it("is not kept open longer by questions that hung since before it opened", () => {
    const breaker = createBreaker(policy);
    for (let i = 0; i < 3; i++) breaker.failed(500);
    // Put at 400, given up only now.
    breaker.failed(400);
    expect([breaker.admits(1_499), breaker.admits(1_500)]).toEqual([false, true]);
  });

  it("probes again when nothing was heard of the last probe", () => {
    const breaker = createBreaker(policy);
    for (let i = 0; i < 3; i++) breaker.failed(0);
    expect(breaker.admits(1_000)).toBe(true);
    expect(breaker.admits(1_999)).toBe(false);
    expect(breaker.admits(2_000)).toBe(true);
  });
});

describe("a single flight", () => {
  it("runs once while it runs, and again for who asks later", async () => {
    const gates: (() => void)[] = [];
    const work = () => new Promise<void>((resolve) => gates.push(resolve));
    const flight = createSingleFlight(work, () => 0, 100);
    const first = flight.begin();
    expect([flight.begin(), flight.isUnderWay(), gates.length]).toEqual([null, true, 1]);
    gates[0]?.();
    await first;
    expect(flight.isUnderWay()).toBe(false);
    expect(flight.begin()).not.toBeNull();
    expect(gates).toHaveLength(2);
  });

  it("gives up a run that lasts longer than it ever should, and is not confused by its end", async () => {
    let now = 0;
    const gates: (() => void)[] = [];
    const work = () => new Promise<void>((resolve) => gates.push(resolve));
    const flight = createSingleFlight(work, () => now, 100);
    const first = flight.begin();
    now = 99;
    expect(flight.begin()).toBeNull();
    now = 100;
    expect(flight.begin()).not.toBeNull();
    gates[0]?.();
    await first;
    expect(flight.isUnderWay()).toBe(true);
  });
});

describe("a route table", () => {
  const table = new RouteTable<string>();
  table.add("GET", "/regions", "list");
  table.add("GET", "/regions/{region_id}/demand", "demand");
  table.add("PUT", "/regions", "replace");
  table.add("ALL", "/events/*", "events");

  it.each([
    ["GET", "/regions", "list", {}],
    ["HEAD", "/regions", "list", {}],
    ["PUT", "/regions", "replace", {}],
    ["GET", "/regions/nyc-161/demand", "demand", { region_id: "nyc-161" }],
    ["DELETE", "/events", "events", {}],
    ["POST", "/events/a/b", "events", {}],
  ])("%s %s leads to %s", (method, path, route, params) => {
    expect(table.match(method, path)).toEqual({ route, params });
  });

  it("knows which methods an address takes", () => {
    expect(table.match("DELETE", "/regions")).toEqual({ route: null, methods: ["GET", "PUT"] });
    expect(table.match("GET", "/elsewhere")).toEqual({ route: null, methods: [] });
  });
});

describe("messages to the decision log", () => {
  it("hold every record once, in order, none longer than a queue takes", () => {
    const record = (id: string, size: number) => ({ id, filler: "x".repeat(size) }) as never;
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 30_000 }), { maxLength: 40 }), (sizes) => {
        const messages = messagesOf(sizes.map((size, i) => record(String(i), size)));
        const ids = messages.flatMap((message) => JSON.parse(message) as { id: string }[]);
        expect(ids.map(({ id }) => id)).toEqual(sizes.map((_, i) => String(i)));
        for (const message of messages) expect(message.length).toBeLessThan(64 * 1024);
      }),
      { numRuns: 50 },
    );
  });
});

describe("documentation", () => {
  it("escapes whatever it is given", () => {
    expect(html`<p>${'<b a="1">&</b>'}</p>`.html).toBe(
      "<p>&lt;b a=&quot;1&quot;&gt;&amp;&lt;/b&gt;</p>",
    );
    expect(html`${[html`<i>`, 1]}`.html).toBe("<i>1");
    expect(prose("Send `a<b` once.").html).toBe("Send <code>a&lt;b</code> once.");
  });

  it("writes schemas as the shape of the JSON, recursion included", () => {
    const named = {
      Tree: { type: "object", properties: { next: { $ref: "#/components/schemas/Tree" } } },
    };
    expect(schemaText({ $ref: "#/components/schemas/Tree" }, named)).toBe("{\n  next?: Tree\n}");
    const schema = {
      type: "object",
      required: ["a"],
      properties: {
        a: { type: "integer", minimum: 1, maximum: 5 },
        b: { anyOf: [{ enum: ["x", "y"] }, { type: "null" }] },
        c: { type: "array", items: { type: "string", format: "date-time" } },
      },
    };
    expect(schemaText(schema, {})).toBe(
      '{\n  a: integer 1..5\n  b?: "x" | "y" | null\n  c?: [string (date-time)]\n}',
    );
  });
});
