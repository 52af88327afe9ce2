import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { lateEventsOf, writeLateEvents } from "../../contract/late-events.ts";
import { EventCursor, packEvent } from "../../contract/packed-events.ts";
import { ByteWriter } from "../../domain/bytes.ts";
import type { RegionId } from "../../domain/units.ts";
import { demandEvent, T0 } from "../support/region-deliveries.ts";

const regionId = "nyc-161" as RegionId;

function packed(count: number): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  for (let n = 0; n < count; n++) packEvent(writer, demandEvent(n, { metadata: `{"n":${n}}` }));
  return writer.copy();
}

describe("a message of late events", () => {
  it("says what was written, the number of its events among it", () => {
    const message = writeLateEvents({
      regionId,
      row: 1_700_000_000_123,
      arrivedAt: T0,
      events: packed(7),
    });
    for (const form of [message, message.buffer]) {
      const late = lateEventsOf(form);
      expect(late).toMatchObject({
        id: "nyc-161/1700000000123",
        regionId,
        arrivedAt: T0,
        count: 7,
      });
      const cursor = new EventCursor(regionId, late?.events ?? new Uint8Array());
      const times = Array.from(cursor, ({ keyLow }) => keyLow);
      expect(times).toEqual(Array.from({ length: 7 }, (_, n) => demandEvent(n).keyLow));
    }
  });

  it("is none when it is anything else, cut short or changed anywhere in its lengths", () => {
    const message = writeLateEvents({ regionId, row: 5, arrivedAt: T0, events: packed(3) });
    for (const other of [null, "late", {}, 7, new Uint8Array(0)]) {
      expect(lateEventsOf(other)).toBeNull();
    }
    for (let length = 0; length < message.byteLength; length++) {
      expect(lateEventsOf(message.subarray(0, length))).toBeNull();
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(() => lateEventsOf(bytes)).not.toThrow();
      }),
    );
  });
});
