import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_EVENTS_PER_REQUEST } from "../../contract/events.ts";
import { lotsOf } from "../../origin/kafka/lots.ts";
import { ECHO_HEADER, prepareRecord } from "../../origin/kafka/prepare-record.ts";
import { record } from "../support/kafka-record.ts";

const bodyOf = (event: object) => JSON.stringify(event);
const eventOf = (prepared: ReturnType<typeof prepareRecord>) =>
  "event" in prepared ? prepared.event : prepared.form;

describe("prepareRecord()", () => {
  test("names an event after where it lies, unless it has a name", () => {
    expect(eventOf(prepareRecord(record(7, bodyOf({ event_type: "view" }))))).toEqual({
      event_type: "view",
      idempotency_key: "user-events/2/7",
    });
    const named = bodyOf({ idempotency_key: "own" });
    expect(eventOf(prepareRecord(record(7, named)))).toEqual({ idempotency_key: "own" });
  });

  test("gives an address that is too long a shorter name, always the same", () => {
    const long = { topic: "t".repeat(200) };
    const one = eventOf(prepareRecord(record(7, "{}", long)));
    expect(one).toEqual({ idempotency_key: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) });
    expect(eventOf(prepareRecord(record(7, "{}", long)))).toEqual(one);
    expect(eventOf(prepareRecord(record(8, "{}", long)))).not.toEqual(one);
  });

  test("takes the region from the record's key where the event names none", () => {
    const key = Buffer.from("nyc-161");
    expect(eventOf(prepareRecord(record(1, "{}", { key })))).toMatchObject({
      region_id: "nyc-161",
    });
    const own = bodyOf({ region_id: "nyc-2" });
    expect(eventOf(prepareRecord(record(1, own, { key })))).toMatchObject({ region_id: "nyc-2" });
    const odd = { key: Buffer.from("Not a region!") };
    expect(eventOf(prepareRecord(record(1, "{}", odd)))).not.toHaveProperty("region_id");
  });

  test("makes one CloudEvent of headers and value", () => {
    const headers = new Map([
      ["ce_specversion", "1.0"],
      ["ce_id", "9"],
      ["ce_source", "/a"],
      ["ce_type", "booking"],
      ["content-type", "application/json"],
    ]);
    const attributes = { specversion: "1.0", id: "9", source: "/a", type: "booking" };
    const json = prepareRecord(record(1, '{"quantity":2}', { headers }));
    expect(json).toMatchObject({ form: "cloud_event" });
    expect(eventOf(json)).toEqual({
      ...attributes,
      datacontenttype: "application/json",
      data: { quantity: 2 },
    });
    const protobuf = new Map([...headers, ["content-type", "application/x-protobuf"]]);
    expect(eventOf(prepareRecord(record(1, "\u0001\u0002", { headers: protobuf })))).toEqual({
      ...attributes,
      datacontenttype: "application/x-protobuf",
      data_base64: "AQI=",
    });
  });

  test("hands on what ingest reads by its content type", () => {
    const headers = new Map([["content-type", "application/avro"]]);
    const prepared = prepareRecord(record(1, "Obj", { headers }));
    expect(prepared).toMatchObject({ form: "body", contentType: "application/avro" });
  });

  test("knows poison and its own echo", () => {
    for (const value of [null, "", "no JSON", "[]", "3", "null"]) {
      expect(prepareRecord(record(1, value)).form).toBe("poison");
    }
    const headers = new Map([[ECHO_HEADER, "nyc-161/1"]]);
    expect(prepareRecord(record(1, "{}", { headers })).form).toBe("echo");
  });
});

describe("lotsOf()", () => {
  test("keeps every record in its order, in lots that a request may hold", () => {
    const value = fc.oneof(
      fc.constant("{}"),
      fc.constant("poison"),
      fc.integer({ min: 1, max: 60_000 }).map((size) => bodyOf({ m: "x".repeat(size) })),
    );
    fc.assert(
      fc.property(fc.array(value, { maxLength: 60 }), fc.nat({ max: 700 }), (values, small) => {
        const all = [...values, ...Array.from({ length: small }, () => "{}")];
        const lots = [...lotsOf(all.map((text, n) => prepareRecord(record(n, text))))];
        const offsets = lots.flatMap(({ items }) =>
          items.map(({ prepared }) => Number(prepared.record.offset)),
        );
        expect(offsets).toEqual(all.map((_, n) => n));
        for (const { items } of lots) {
          expect(items.length).toBeLessThanOrEqual(MAX_EVENTS_PER_REQUEST);
          const bytes = items.reduce((sum, { body }) => sum + Buffer.byteLength(body) + 1, 1);
          expect(bytes).toBeLessThanOrEqual(1024 * 1024);
        }
      }),
      { numRuns: 30 },
    );
  });
});
