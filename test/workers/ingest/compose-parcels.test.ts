import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LOG_RECORD_KIND, writeLogRecord } from "../../../contract/log-records.ts";
import { ByteWriter } from "../../../domain/bytes.ts";
import type { EpochMs } from "../../../domain/units.ts";
import { composeParcels } from "../../../workers/ingest/compose-parcels.ts";
import { batchOf, keyOf } from "./outbox-life.ts";
import { eventsOf, packedEventsOf } from "./stored-events.ts";

describe("composeParcels()", () => {
  it("keeps every event, in order, in parcels that fit a message, the same each time", () => {
    const sizes = fc.array(
      fc.record({
        region: fc.nat({ max: 2 }),
        count: fc.integer({ min: 1, max: 60 }),
        metadata: fc.integer({ min: 0, max: 4_000 }),
      }),
      { minLength: 1, maxLength: 20 },
    );
    fc.assert(
      fc.property(sizes, (drawn) => {
        const batches = drawn.map(({ region, count, metadata }) =>
          batchOf(count, `r-${region}`, "x".repeat(metadata)),
        );
        const parcels = composeParcels(batches);
        expect(composeParcels(batches)).toEqual(parcels);
        for (const region of ["r-0", "r-1", "r-2"]) {
          const sent = batches.flatMap(eventsOf).filter(({ regionId }) => regionId === region);
          const packed = parcels
            .filter(({ regionId }) => regionId === region)
            .flatMap(({ stretches, count, byteLength, regionId }) => {
              const bytes = Buffer.concat(stretches);
              expect(bytes.byteLength).toBe(byteLength);
              expect(byteLength).toBeLessThanOrEqual(120_000);
              const events = packedEventsOf(regionId, bytes);
              expect(events).toHaveLength(count);
              return events;
            });
          expect(packed.map(keyOf)).toEqual(sent.map(keyOf));
        }
      }),
      { numRuns: 50 },
    );
  });

  it("passes over records that are not events", () => {
    const signals = new ByteWriter();
    const payload = new TextEncoder().encode("[]");
    writeLogRecord(signals, { kind: LOG_RECORD_KIND.demandSignals, at: 1 as EpochMs, payload });
    writeLogRecord(signals, { kind: 9, at: 1 as EpochMs, payload: new Uint8Array(70) });
    const events = batchOf(3);
    const mixed = new Uint8Array(Buffer.concat([signals.copy(), events, signals.copy()]));
    expect(composeParcels([mixed])).toEqual(composeParcels([events]));
    expect(composeParcels([signals.copy()])).toEqual([]);
  });
});
