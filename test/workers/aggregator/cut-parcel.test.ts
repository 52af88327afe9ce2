import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EventCursor } from "../../../contract/packed-events.ts";
import { readParcel } from "../../../contract/parcel.ts";
import { ByteReader } from "../../../domain/bytes.ts";
import { ALL_SLICES, SHARD_COUNTS, shardOf, sliceOf } from "../../../domain/slices.ts";
import { cutParcel } from "../../../workers/aggregator/cut-parcel.ts";
import { parcelOfEvents } from "../../support/parcels.ts";
import { demandEvent, T0 } from "../../support/region-deliveries.ts";

const read = (bytes: Uint8Array) => readParcel(new ByteReader(bytes));
/** Events as their keys and metadata, in order. */
const eventsIn = (bytes: Uint8Array) => {
  const { regionId, events } = read(bytes);
  return Array.from(new EventCursor(regionId, events), ({ keyHigh, keyLow, metadata }) => {
    return { keyHigh, keyLow, metadata };
  });
};

const anyParcel = fc.array(fc.string({ maxLength: 5 }), { maxLength: 60 }).map((texts) =>
  parcelOfEvents(
    texts.map((text, n) => demandEvent(n, { metadata: JSON.stringify(text), userHigh: n })),
    { number: 7, lowWater: 3, receivedAt: T0, epoch: 9 },
  ),
);

describe("a parcel that is cut", () => {
  it("gives each shard the events of its slices, whole and in order, and all slices once", () => {
    fc.assert(
      fc.property(anyParcel, fc.constantFrom(...SHARD_COUNTS), (parcel, shards) => {
        const parts = cutParcel(read(parcel), shards);
        expect(parts).toHaveLength(shards);
        let covered = 0;
        for (const [shard, part] of parts.entries()) {
          const own = eventsIn(parcel).filter((event) => shardOf(sliceOf(event), shards) === shard);
          expect(eventsIn(part)).toEqual(own);
          const { slices, count, events: _, ...header } = read(part);
          expect(count).toBe(own.length);
          expect(header).toEqual({
            ...{ outbox: "outbox-0", epoch: 9, number: 7, lowWater: 3 },
            ...{ receivedAt: T0, regionId: "nyc-161" },
          });
          expect(slices & covered).toBe(0);
          covered |= slices;
        }
        expect(covered).toBe(ALL_SLICES);
      }),
    );
  });

  it("is cut the same way each time", () => {
    fc.assert(
      fc.property(anyParcel, fc.constantFrom(...SHARD_COUNTS), (parcel, shards) => {
        expect(cutParcel(read(parcel), shards)).toEqual(cutParcel(read(parcel), shards));
      }),
    );
  });
});
