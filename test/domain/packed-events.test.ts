import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BatchPacker, sectionsOf } from "../../contract/event-batch.ts";
import { EventCursor, packEvent } from "../../contract/packed-events.ts";
import { parcelOf, readParcel, writeParcel } from "../../contract/parcel.ts";
import { ByteReader, ByteWriter } from "../../domain/bytes.ts";
import { ALL_EVENT_TYPES, type DemandEvent } from "../../domain/event.ts";
import { ALL_SLICES } from "../../domain/slices.ts";
import type { EpochMs, ProductType, RegionId } from "../../domain/units.ts";
import { demandEvent } from "../support/region-deliveries.ts";

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

const u32 = fc.nat({ max: 0xffff_ffff });
const event = fc.record<DemandEvent>({
  eventType: fc.constantFrom(...ALL_EVENT_TYPES),
  regionId: fc
    .constantFrom("r-1", "r-2", "a-region-with-a-longer-name")
    .map((id) => id as RegionId),
  occurredAt: fc.integer({ min: 0, max: 4e12 }).map((at) => at as EpochMs),
  keyHigh: u32,
  keyLow: u32,
  userHigh: u32,
  userLow: u32,
  productType: fc.option(
    fc.stringMatching(/^[a-z0-9_]{1,64}$/),
  ) as fc.Arbitrary<ProductType | null>,
  quantity: fc.integer({ min: -1_000_000, max: 1_000_000 }),
  metadata: fc.oneof(
    fc.constant(""),
    fc.json().filter((text) => text.length < 4_096),
  ),
});

/** The event a cursor stands on, as a plain object. */
function taken(cursor: DemandEvent): DemandEvent {
  const { eventType, regionId, occurredAt, keyHigh, keyLow } = cursor;
  const { userHigh, userLow, productType, quantity, metadata } = cursor;
  return {
    eventType,
    regionId,
    occurredAt,
    keyHigh,
    keyLow,
    userHigh,
    userLow,
    productType,
    quantity,
    metadata,
  };
}

describe("packed events", () => {
  it("read back as they were, one after the other", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 20 }), (events) => {
        const writer = new ByteWriter(1);
        for (const one of events) packEvent(writer, one);
        const cursor = new EventCursor("r-1" as RegionId, writer.copy());
        const read = Array.from(cursor, taken);
        expect(read).toEqual(events.map((one) => ({ ...one, regionId: "r-1" })));
      }),
    );
  });

  it("that are cut short anywhere are noticed, not misread", () => {
    fc.assert(
      fc.property(event, fc.nat({ max: 10_000 }), (one, anywhere) => {
        const writer = new ByteWriter();
        packEvent(writer, one);
        const cut = writer.copy().subarray(0, 1 + (anywhere % (writer.length - 1)));
        expect(() => new EventCursor("r-1" as RegionId, cut).next()).toThrow(RangeError);
      }),
    );
  });
});

describe("event batches", () => {
  it("leave little memory behind, however large they were and however many regions there are", () => {
    const packer = new BatchPacker();
    const one = demandEvent(1, { metadata: "x".repeat(4_000) });
    const heldMb = () => {
      collectGarbage();
      return process.memoryUsage().arrayBuffers / 1e6;
    };
    const before = heldMb();
    for (let region = 0; region < 200; region++) {
      for (let n = 0; n < 240; n++) packer.add({ ...one, regionId: `r-${region}` as RegionId });
      expect(packer.finish(0 as EpochMs).byteLength).toBeGreaterThan(950_000);
    }
    // Each region's million bytes, kept, would be more than an isolate may have.
    expect(heldMb() - before).toBeLessThan(30);
    packer.clear();
  });

  it("laid end to end give each region its events in order, whatever was packed before", () => {
    const packer = new BatchPacker();
    fc.assert(
      fc.property(
        fc.array(fc.array(event, { minLength: 1, maxLength: 10 }), { maxLength: 5 }),
        (requests) => {
          const whole = new ByteWriter();
          for (const [i, events] of requests.entries()) {
            for (const one of events) packer.add(one);
            whole.bytes(packer.finish(i as EpochMs));
          }
          const sections = [...sectionsOf(whole.copy())];
          const read = sections.flatMap(({ regionId, receivedAt, count, bytes }) => {
            const events = Array.from(new EventCursor(regionId, bytes), taken);
            expect(events).toHaveLength(count);
            return events.map((one) => ({ receivedAt, one }));
          });
          for (const regionId of new Set(requests.flat().map((one) => one.regionId))) {
            const of = (list: { receivedAt: number; one: DemandEvent }[]) =>
              list.filter(({ one }) => one.regionId === regionId);
            const sent = requests.flatMap((events, receivedAt) =>
              events.map((one) => ({ receivedAt, one })),
            );
            expect(of(read)).toEqual(of(sent));
          }
          expect(read).toHaveLength(requests.flat().length);
        },
      ),
    );
  });
});

describe("parcels", () => {
  const header = {
    outbox: "outbox-1",
    epoch: 0xffff_fffe,
    number: 2 ** 40,
    lowWater: 2 ** 40 - 7,
    slices: 0x8421,
    receivedAt: 1.5e12 as EpochMs,
    regionId: "nyc-161" as RegionId,
    count: 2,
  };

  it("read back with their stretches joined, and leave the reader at their end", () => {
    const writer = new ByteWriter();
    writeParcel(writer, header, [Uint8Array.of(1, 2), Uint8Array.of(3)]);
    writer.u8(99);
    const reader = new ByteReader(writer.copy());
    expect(readParcel(reader)).toEqual({ ...header, events: Uint8Array.of(1, 2, 3) });
    expect(reader.u8()).toBe(99);
  });

  it("of the version without slices are whole", () => {
    const writer = new ByteWriter();
    writeParcel(writer, header, [Uint8Array.of(1, 2)]);
    const bytes = writer.copy();
    const slicesAt = 1 + 3 * 8 + 4;
    const old = Uint8Array.of(1, ...bytes.slice(1, slicesAt), ...bytes.slice(slicesAt + 2));
    expect(parcelOf(old)).toEqual({ ...parcelOf(bytes), slices: ALL_SLICES });
  });

  it("are told from other messages", () => {
    const writer = new ByteWriter();
    writeParcel(writer, header, [Uint8Array.of(1, 2)]);
    const bytes = writer.copy();
    expect(parcelOf(bytes.buffer)?.regionId).toBe("nyc-161");
    expect(parcelOf(bytes)?.number).toBe(2 ** 40);
    for (let length = 0; length < bytes.length; length++) {
      expect(parcelOf(bytes.slice(0, length))).toBeNull();
    }
    for (const other of [null, "text", { outbox: "outbox-1" }, Uint8Array.of(7, 7, 7)]) {
      expect(parcelOf(other)).toBeNull();
    }
  });
});
