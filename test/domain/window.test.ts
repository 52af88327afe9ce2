import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteReader, ByteWriter } from "../../domain/bytes.ts";
import { isClosed, windowsEnding } from "../../domain/tumbling.ts";
import { MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import { COUNTED_TYPES, type CountedType, WindowCounts } from "../../domain/window.ts";

const T0 = Date.UTC(2026, 0, 11, 10, 30);

interface Counted {
  type: CountedType;
  at: number;
}

const counted = fc.record<Counted>({
  type: fc.constantFrom(...COUNTED_TYPES),
  at: fc.integer({ min: T0 - 30 * MINUTE_MS, max: T0 + 5 * MINUTE_MS }),
});
const someEvents = fc.array(counted, { maxLength: 200 });
const asOf = fc.integer({ min: T0 - MINUTE_MS, max: T0 + 5 * MINUTE_MS });

function windowsOf(events: readonly Counted[]): WindowCounts {
  const windows = new WindowCounts();
  for (const { type, at } of events) windows.add(type, at);
  return windows;
}

/** The definition, without a ring: the whole seconds before `end`, the one under way among them. */
function oracle(events: readonly Counted[], type: CountedType, end: number, widthMs: number) {
  const upTo = Math.ceil(end / SECOND_MS) * SECOND_MS;
  return events.filter(({ at, type: other }) => other === type && at >= upTo - widthMs && at < upTo)
    .length;
}

describe("sliding windows", () => {
  it("count what the definition counts, in any order of arrival", () => {
    fc.assert(
      fc.property(someEvents, asOf, fc.constantFrom(1, 5, 15), (events, end, minutes) => {
        const windows = windowsOf(events);
        for (const type of COUNTED_TYPES) {
          const count = windows.sliding(type, end, minutes * MINUTE_MS);
          expect(count).toBe(oracle(events, type, end, minutes * MINUTE_MS));
        }
      }),
    );
  });

  it("forget what is older than the ring, and never count it under a newer second", () => {
    const windows = windowsOf([{ type: "booking", at: T0 }]);
    windows.add("booking", T0 + 51 * MINUTE_MS);
    expect(windows.sliding("booking", T0 + 51 * MINUTE_MS + 1, MINUTE_MS)).toBe(1);
    windows.add("booking", T0);
    expect(windows.sliding("booking", T0 + 51 * MINUTE_MS + 1, MINUTE_MS)).toBe(1);
    expect(windows.sliding("booking", T0 + 1, MINUTE_MS)).toBe(0);
  });

  it("follow one another without a gap on whole seconds", () => {
    const whole = fc.integer({ min: -60, max: 300 }).map((second) => T0 + second * SECOND_MS);
    fc.assert(
      fc.property(someEvents, whole, (events, end) => {
        const windows = windowsOf(events);
        const minute = (back: number) =>
          windows.sliding("booking", end - back * MINUTE_MS, MINUTE_MS);
        const five = minute(0) + minute(1) + minute(2) + minute(3) + minute(4);
        expect(five).toBe(windows.sliding("booking", end, 5 * MINUTE_MS));
        expect(five).toBe(windows.between("booking", end - 5 * MINUTE_MS, end));
      }),
    );
  });

  it("are the same after they were stored and read", () => {
    fc.assert(
      fc.property(someEvents, asOf, (events, end) => {
        const writer = new ByteWriter();
        const windows = windowsOf(events);
        windows.writeTo(writer);
        const read = WindowCounts.readFrom(new ByteReader(writer.copy()));
        for (const type of COUNTED_TYPES) {
          expect(read.sliding(type, end, 15 * MINUTE_MS)).toBe(
            windows.sliding(type, end, 15 * MINUTE_MS),
          );
        }
      }),
    );
  });
});

describe("tumbling windows", () => {
  it("close once each while the watermark moves, and hold each event once", () => {
    const steps = fc.array(fc.integer({ min: 0, max: 4 * MINUTE_MS }), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(someEvents, steps, fc.constantFrom(1, 5), (events, moves, minutes) => {
        const widthMs = minutes * MINUTE_MS;
        const windows = windowsOf(events);
        let watermarkAt = T0 - 25 * MINUTE_MS;
        const from = watermarkAt;
        const closed = moves.flatMap((move) => {
          const before = watermarkAt;
          watermarkAt += move;
          return windowsEnding(windows, before, watermarkAt, widthMs);
        });
        const starts = closed.map(({ startAt }) => startAt);
        const firstStart = Math.floor(from / widthMs) * widthMs;
        const expected: number[] = [];
        for (let at = firstStart; at + widthMs <= watermarkAt; at += widthMs) {
          if (at + widthMs > from) expected.push(at);
        }
        expect(starts).toEqual(expected);
        for (const window of closed) {
          expect(isClosed(window, watermarkAt)).toBe(true);
          expect(isClosed(window, window.startAt + widthMs - 1)).toBe(false);
          for (const type of COUNTED_TYPES) {
            const inside = events.filter(
              ({ at, type: other }) =>
                other === type && at >= window.startAt && at < window.startAt + widthMs,
            );
            expect(window.counts[type]).toBe(inside.length);
          }
        }
      }),
    );
  });
});
