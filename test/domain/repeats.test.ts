import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteReader, ByteWriter } from "../../domain/bytes.ts";
import { KeyTable } from "../../domain/key-table.ts";
import { Repeats } from "../../domain/repeats.ts";
import { MINUTE_MS } from "../../domain/units.ts";
import { mixed } from "../support/region-deliveries.ts";

const T0 = Date.UTC(2026, 0, 11, 10, 30);

/** Keys of a small space, so that they repeat; some share their low half, so that they collide in the table. */
const step = fc.record({
  key: fc.nat({ max: 200 }),
  seenMinute: fc.nat({ max: 30 }),
  forgetMinute: fc.nat({ max: 30 }),
  reload: fc.boolean(),
});

describe("Repeats", () => {
  it("says first exactly when a plain map would, through sweeps, collisions and reloads", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 600 }), (steps) => {
        let repeats = new Repeats();
        const oracle = new Map<number, number>();
        let forgetMinute = 0;
        for (const { key, seenMinute, forgetMinute: wanted, reload } of steps) {
          forgetMinute = Math.max(forgetMinute, Math.min(wanted, forgetMinute + 2));
          const seen = Math.max(seenMinute, forgetMinute);
          const forgetBeforeAt = T0 + forgetMinute * MINUTE_MS;
          const known = oracle.get(key);
          const expected = known === undefined || known < forgetMinute;
          if (expected) oracle.set(key, seen);
          const first = repeats.isFirst(
            key,
            mixed(key % 20),
            T0 + seen * MINUTE_MS,
            forgetBeforeAt,
          );
          expect(first).toBe(expected);
          if (!reload) continue;
          const writer = new ByteWriter();
          repeats.writeTo(writer, forgetBeforeAt);
          repeats = Repeats.readFrom(new ByteReader(writer.copy()));
        }
      }),
    );
  });

  it("keeps its memory bounded by the keys it must remember", () => {
    const table = new KeyTable();
    for (let minute = 1; minute <= 200; minute++) {
      for (let n = 0; n < 1_000; n++) {
        table.set(mixed(n), mixed(minute * 1_000 + n), minute, minute - 5);
      }
    }
    expect(table.size).toBeLessThan(6_000 * 2.5);
    expect(table.countFrom(196)).toBe(5_000);
  });

  it("tells apart keys that differ in one half only, the key of all zeros among them", () => {
    const repeats = new Repeats();
    const keys: [number, number][] = [
      [0, 0],
      [0, 1],
      [1, 0],
      [0xffff_ffff, 0],
    ];
    for (const [high, low] of keys) expect(repeats.isFirst(high, low, T0, 0)).toBe(true);
    for (const [high, low] of keys) expect(repeats.isFirst(high, low, T0, 0)).toBe(false);
  });

  it("hands a slice to another, who then says of every key what it would have said", () => {
    const keys = fc.array(fc.record({ key: fc.nat({ max: 300 }), minute: fc.nat({ max: 20 }) }));
    fc.assert(
      fc.property(keys, keys, fc.nat({ max: 20 }), (mine, others, forgetMinute) => {
        const forgetBeforeAt = T0 + forgetMinute * MINUTE_MS;
        const [from, to] = [new Repeats(), new Repeats()];
        const note = (repeats: Repeats, key: number, minute: number) =>
          repeats.isFirst(mixed(key), mixed(key + 1_000), T0 + minute * MINUTE_MS, 0);
        for (const { key, minute } of mine) note(from, key, minute);
        // What the other knew of a slice long ago does no harm.
        const had = others.filter(({ key }) => mine.some((one) => one.key === key));
        for (const { key } of had) note(to, key, 0);
        for (const words of from.bySlice(forgetBeforeAt)) {
          to.addAll(words);
          to.addAll(words);
        }
        for (let key = 0; key <= 300; key++) {
          const isFirst = (repeats: Repeats) =>
            repeats.isFirst(mixed(key), mixed(key + 1_000), T0 + 21 * MINUTE_MS, forgetBeforeAt);
          const expected = isFirst(from);
          expect(isFirst(to)).toBe(expected);
        }
      }),
    );
  });
});
