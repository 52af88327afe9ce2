import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteReader, ByteWriter } from "../../domain/bytes.ts";
import { HISTORY_MS } from "../../domain/history.ts";
import { bookingHistory, QuarterHours } from "../../domain/quarter-hours.ts";
import { DAY_MS, type EpochMs, MINUTE_MS, plus, QUARTER_HOUR_MS } from "../../domain/units.ts";

const T0 = Date.UTC(2026, 0, 11, 10, 30) as EpochMs;

function own(bookings: readonly number[]): QuarterHours {
  const quarters = new QuarterHours();
  for (const at of bookings) quarters.add(at);
  return quarters;
}

describe("QuarterHours", () => {
  it("count each booking in its quarter hour, in any order, over 29 days and no longer", () => {
    const offsets = fc.array(fc.integer({ min: -HISTORY_MS, max: HISTORY_MS }), { maxLength: 60 });
    fc.assert(
      fc.property(offsets, (drawn) => {
        const bookings = drawn.map((offset) => T0 + offset);
        const writer = new ByteWriter();
        own(bookings).writeTo(writer);
        const quarters = QuarterHours.readFrom(new ByteReader(writer.copy()));
        const newest = Math.max(...bookings);
        for (const at of bookings) {
          const quarter = Math.floor(at / QUARTER_HOUR_MS);
          if (Math.floor(newest / QUARTER_HOUR_MS) - quarter >= HISTORY_MS / QUARTER_HOUR_MS)
            continue;
          const there = bookings.filter((other) => Math.floor(other / QUARTER_HOUR_MS) === quarter);
          expect(quarters.at(quarter)).toBe(there.length);
        }
      }),
    );
  });
});

describe("bookingHistory()", () => {
  const startAt = plus(T0, -DAY_MS);
  const earlier = { startAt, counts: Uint32Array.from({ length: 96 }, (_, i) => i) };

  it("joins the earlier bookings to the region's own where the region began", () => {
    const history = bookingHistory(
      own([T0 + 1, T0 + 16 * MINUTE_MS]),
      earlier,
      T0,
      plus(T0, 40 * MINUTE_MS),
    );
    expect(history.startAt).toBe(startAt);
    expect(history.endAt).toBe(T0 + 30 * MINUTE_MS);
    expect(history.between(startAt, T0)).toBe((95 * 96) / 2);
    expect(history.between(T0, T0 + QUARTER_HOUR_MS)).toBe(1);
    expect(history.between(T0 + QUARTER_HOUR_MS, T0 + 2 * QUARTER_HOUR_MS)).toBe(1);
  });

  it("takes nothing twice where earlier bookings reach past the beginning", () => {
    const beganAt = plus(T0, -QUARTER_HOUR_MS);
    const history = bookingHistory(own([T0 - 1]), earlier, beganAt, T0);
    expect(history.between(beganAt, T0)).toBe(1);
  });

  it("knows nothing from before the region's second quarter hour without earlier bookings", () => {
    const beganAt = plus(T0, MINUTE_MS);
    const history = bookingHistory(own([beganAt]), null, beganAt, plus(T0, 2 * QUARTER_HOUR_MS));
    expect(history.startAt).toBe(T0 + QUARTER_HOUR_MS);
    expect(history.slots).toBe(1);
    expect(bookingHistory(own([]), null, T0, T0).slots).toBe(0);
  });

  it("never reaches back further than 29 days", () => {
    const long = { startAt: plus(T0, -60 * DAY_MS), counts: new Uint32Array(60 * 96).fill(1) };
    const history = bookingHistory(own([]), long, T0, T0);
    expect(history.startAt).toBe(T0 - HISTORY_MS);
    expect(history.between(history.startAt, T0)).toBe(HISTORY_MS / QUARTER_HOUR_MS);
  });
});
