import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_EVENTS_BODY_BYTES, MAX_EVENTS_PER_REQUEST } from "../../../contract/events.ts";
import {
  batchLength,
  bodyBytes,
  bodyOf,
  SERVICE_LIMIT,
  utf8Bytes,
} from "../../../sdk/src/batch.ts";

const encode = (text: string) => new TextEncoder().encode(text).byteLength;
const texts = fc.array(fc.json({ maxDepth: 1 }), { maxLength: 30 });
const sized = (all: readonly string[]) => all.map((text) => ({ text, bytes: utf8Bytes(text) }));

describe("utf8Bytes()", () => {
  test("counts what an encoder writes, for any text JSON can hold", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const json = JSON.stringify(text);
        expect(utf8Bytes(json)).toBe(encode(json));
      }),
    );
  });
});

describe("bodyBytes()", () => {
  test("is the length of the body, to the byte", () => {
    fc.assert(
      fc.property(texts, (all) => {
        const events = sized(all);
        expect(bodyBytes(events.map(({ bytes }) => bytes))).toBe(encode(bodyOf(events)));
        expect(JSON.parse(bodyOf(events))).toEqual(all.map((text) => JSON.parse(text)));
      }),
    );
  });
});

describe("batchLength()", () => {
  test("cuts all events into batches within both bounds, none of which could take one more", () => {
    const bounds = fc.record({ events: fc.integer({ min: 1, max: 8 }), bytes: fc.nat(200) });
    fc.assert(
      fc.property(texts, bounds, (all, limit) => {
        let rest = sized(all);
        while (rest.length > 0) {
          const length = batchLength(rest, limit);
          expect(length).toBeGreaterThanOrEqual(1);
          expect(length).toBeLessThanOrEqual(limit.events);
          const bytes = encode(bodyOf(rest.slice(0, length)));
          // An event that is too large alone still goes, alone: the queue lets none in that the service would not take.
          if (length > 1) expect(bytes).toBeLessThanOrEqual(limit.bytes);
          if (length < Math.min(rest.length, limit.events)) {
            expect(encode(bodyOf(rest.slice(0, length + 1)))).toBeGreaterThan(limit.bytes);
          }
          rest = rest.slice(length);
        }
      }),
    );
  });

  test("fills a request of the service to the last event and the last byte", () => {
    const small = { text: "{}", bytes: 2 };
    expect(batchLength(Array(501).fill(small), SERVICE_LIMIT)).toBe(MAX_EVENTS_PER_REQUEST);
    const text = "x".repeat((MAX_EVENTS_BODY_BYTES - 1 - 3) / 2);
    const half = { text, bytes: utf8Bytes(text) };
    expect(encode(bodyOf([half, half]))).toBe(MAX_EVENTS_BODY_BYTES - 1);
    expect(batchLength([half, half], SERVICE_LIMIT)).toBe(2);
    expect(batchLength([half, { ...half, bytes: half.bytes + 1 }], SERVICE_LIMIT)).toBe(1);
  });
});
