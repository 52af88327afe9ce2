import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteReader, ByteWriter } from "../../domain/bytes.ts";
import { KeyTable } from "../../domain/key-table.ts";
import { mixed } from "../support/region-deliveries.ts";

/** Keys of a small space over the whole range of segments; some share their low half. */
const step = fc.record({
  key: fc.nat({ max: 400 }),
  value: fc.integer({ min: 1, max: 60 }),
  raise: fc.nat({ max: 2 }),
});
const lowOf = (key: number) => mixed(key >> 1);

describe("a table of keys", () => {
  it("says what a map would of every key that need not be forgotten", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 1_500 }), (steps) => {
        let table = new KeyTable();
        const oracle = new Map<number, number>();
        let floor = 0;
        for (const [i, { key, value, raise }] of steps.entries()) {
          if (i % 50 === 49) floor += raise;
          const known = oracle.get(key) ?? 0;
          const isNew = known === 0 || known < floor;
          expect(table.setUnlessKnown(key, lowOf(key), value + floor, floor)).toBe(isNew);
          if (isNew) oracle.set(key, value + floor);
          if (i % 700 !== 699) continue;
          const writer = new ByteWriter();
          table.writeTo(writer, floor);
          table = KeyTable.readFrom(new ByteReader(writer.copy()));
        }
        for (const [key, value] of oracle) {
          if (value >= floor) expect(table.get(key, lowOf(key))).toBe(value);
        }
        const alive = [...oracle.values()].filter((value) => value >= floor).length;
        expect(table.countFrom(floor)).toBe(alive);
      }),
      { numRuns: 60 },
    );
  });

  it("holds half a million keys in less than 36 bytes each, and loses none as it grows", () => {
    const table = new KeyTable();
    const keys = 500_000;
    for (let n = 0; n < keys; n++) table.set(mixed(n), mixed(n + 0x1000_0000), 7);
    expect(table.size).toBe(keys);
    expect(table.byteLength / keys).toBeLessThan(36);
    let missing = 0;
    for (let n = 0; n < keys; n++) {
      if (table.get(mixed(n), mixed(n + 0x1000_0000)) !== 7) missing++;
    }
    expect(missing).toBe(0);
  });

  it("takes the room of forgotten keys for new ones: it does not grow with the time it lives", () => {
    const table = new KeyTable();
    const perMinute = 20_000;
    const sizes: number[] = [];
    for (let minute = 1; minute <= 40; minute++) {
      for (let n = 0; n < perMinute; n++) {
        const key = minute * perMinute + n;
        table.set(mixed(key), mixed(key + 0x1000_0000), minute, minute - 5);
      }
      sizes.push(table.byteLength);
    }
    expect(sizes.at(-1)).toBe(sizes[15]);
    expect((sizes.at(-1) ?? 0) / (6 * perMinute)).toBeLessThan(45);
  });

  it("survives keys that are all alike in the bits that part segments", () => {
    const table = new KeyTable();
    for (let n = 0; n < 20_000; n++) table.set(n, n, 1);
    expect(table.size).toBe(20_000);
    expect(table.get(19_999, 19_999)).toBe(1);
    expect(table.get(20_000, 20_000)).toBe(0);
  });
});
