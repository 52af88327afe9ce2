import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ParcelHeader } from "../../../contract/parcel.ts";
import { ByteReader, ByteWriter } from "../../../domain/bytes.ts";
import { ALL_SLICES, SLICES } from "../../../domain/slices.ts";
import type { RegionId } from "../../../domain/units.ts";
import { ParcelLedger } from "../../../workers/aggregator/parcel-ledger.ts";
import { T0 } from "../../support/region-deliveries.ts";

const header = (number: number, slices = ALL_SLICES, lowWater = 0, outbox = "outbox-0") =>
  ({
    ...{ outbox, epoch: 1, number, lowWater, slices, receivedAt: T0, count: 1 },
    regionId: "nyc-161" as RegionId,
  }) satisfies ParcelHeader;

/** What a ledger writes of some slices, for another. */
function written(ledger: ParcelLedger, slices = ALL_SLICES): ByteReader {
  const writer = new ByteWriter();
  ledger.writeTo(writer, slices);
  return new ByteReader(writer.copy());
}

const taking = fc.record({
  number: fc.integer({ min: 1, max: 12 }),
  slices: fc.integer({ min: 1, max: ALL_SLICES }),
  outbox: fc.constantFrom("outbox-0", "outbox-1"),
  reload: fc.boolean(),
});

describe("a region's ledger of parcels", () => {
  it("takes each slice of each parcel once, in whatever parts they come and however often it is reloaded", () => {
    fc.assert(
      fc.property(fc.array(taking, { maxLength: 60 }), (takings) => {
        let ledger = new ParcelLedger();
        const taken = new Map<string, number>();
        for (const { number, slices, outbox, reload } of takings) {
          const known = taken.get(`${outbox}/${number}`) ?? 0;
          expect(ledger.take(header(number, slices, 0, outbox))).toBe(slices & ~known);
          taken.set(`${outbox}/${number}`, known | slices);
          if (reload) ledger = ParcelLedger.readFrom(written(ledger));
        }
      }),
    );
  });

  it("handed over slice by slice, to whomever and more than once, is known there and nowhere forgotten", () => {
    fc.assert(
      fc.property(
        fc.array(taking, { maxLength: 30 }),
        fc.array(fc.nat({ max: 3 }), { minLength: SLICES, maxLength: SLICES }),
        (takings, owners) => {
          const whole = new ParcelLedger();
          for (const { number, slices, outbox } of takings)
            whole.take(header(number, slices, 0, outbox));
          const parts = [0, 1, 2, 3].map(() => new ParcelLedger());
          for (const [slice, owner] of [...owners.entries(), ...owners.entries()]) {
            parts[owner]?.addFrom(written(whole, 1 << slice));
          }
          for (const number of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]) {
            const fresh = parts.map((part, owner) => {
              const own = owners.reduce(
                (mask, of, slice) => (of === owner ? mask | (1 << slice) : mask),
                0,
              );
              return part.take(header(number, own));
            });
            const expected = whole.take(header(number));
            expect(fresh.reduce((mask, slices) => mask | slices, 0)).toBe(expected);
          }
        },
      ),
    );
  });

  it("knows everything below the low-water mark without remembering it", () => {
    const ledger = new ParcelLedger();
    for (let number = 1; number <= 1_000; number++)
      ledger.take(header(number, ALL_SLICES, number - 3));
    expect(ledger.take(header(5))).toBe(0);
    expect(ledger.take(header(996, 0x00ff))).toBe(0);
    expect(ledger.take(header(1_001))).toBe(ALL_SLICES);
    expect(written(ledger).source.byteLength).toBeLessThan(100);
  });

  it("reads what the version without slices wrote", () => {
    const writer = new ByteWriter();
    writer.u32(1);
    writer.shortAscii("outbox-0/1");
    writer.f64(3);
    writer.u32(2);
    writer.f64(4);
    writer.f64(6);
    const ledger = ParcelLedger.readFrom(new ByteReader(writer.copy()));
    expect([2, 3, 4, 5, 6].map((number) => ledger.take(header(number)))).toEqual([
      ...[0, ALL_SLICES, 0, ALL_SLICES, 0],
    ]);
  });
});
