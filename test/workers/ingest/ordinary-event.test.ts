import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { eventSchema } from "../../../contract/events.ts";
import { ordinaryEvent } from "../../../workers/ingest/ordinary-event.ts";

/** Mostly what a field should be, and else what is near it. */
function nearly<Value>(right: fc.Arbitrary<Value>, ...wrong: fc.Arbitrary<unknown>[]) {
  const odd = fc.oneof(fc.constantFrom(null, "", 0, -1, 1.5, true, [], {}), ...wrong);
  return fc.oneof({ weight: 12, arbitrary: right }, { weight: 1, arbitrary: odd });
}

const pad = (n: number, digits: number) => String(n).padStart(digits, "0");
/** Times that are written right and may not exist: day 31 of every month, hour 24, second 60, every kind of year. */
const writtenTime = fc
  .tuple(
    fc.oneof(fc.integer({ min: 1_965, max: 2_110 }), fc.constantFrom(0, 1_900, 2_000, 9_999)),
    fc.integer({ min: 0, max: 13 }),
    fc.integer({ min: 0, max: 32 }),
    fc.integer({ min: 0, max: 24 }),
    fc.integer({ min: 0, max: 60 }),
    fc.integer({ min: 0, max: 60 }),
    fc.constantFrom("", ".0", ".123", ".1234", ","),
    fc.constantFrom("Z", "Z", "Z", "+02:00", "z", ""),
  )
  .map(
    ([year, month, day, hour, minute, second, fraction, zone]) =>
      `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}T${pad(hour, 2)}:${pad(minute, 2)}:${pad(second, 2)}${fraction}${zone}`,
  );
const rightTime = fc
  .date({ min: new Date("1970-01-01"), max: new Date("2120-01-01"), noInvalidDate: true })
  .map((date) => date.toISOString());

const metadata = fc.oneof(
  fc.constant({}),
  fc.dictionary(fc.string(), fc.jsonValue()),
  fc.constant(JSON.parse('{"__proto__": {"a": 1}, "b": 2}')),
);
const event = fc.record(
  {
    event_type: nearly(
      fc.constantFrom(
        "search",
        "view",
        "booking",
        "cancellation",
        "sale",
        "supply_update",
        "weather",
        "stock_level",
        "price_change",
      ),
      fc.constantFrom("Booking", "__proto__", "toString"),
    ),
    region_id: nearly(
      fc.stringMatching(/^[a-z0-9-]{1,66}$/),
      fc.constantFrom("nyc_161", "NYC-161", "nyc-161 "),
    ),
    timestamp: nearly(fc.oneof(rightTime, writtenTime), fc.string()),
    idempotency_key: nearly(fc.string({ minLength: 1, maxLength: 130 })),
    user_id: nearly(fc.string({ minLength: 1, maxLength: 130 })),
    product_type: nearly(
      fc.stringMatching(/^[a-z0-9_]{1,66}$/),
      fc.constantFrom("standard-ride", "Ride"),
    ),
    quantity: nearly(fc.integer({ min: 1, max: 1_000_001 }), fc.constantFrom(1e300, -0, "1")),
    metadata: nearly(metadata, fc.constantFrom([1], "x")),
    extra: fc.string(),
  },
  { requiredKeys: ["event_type", "region_id", "timestamp", "idempotency_key"] },
);
/** Most events have no field that does not belong to them. */
const events = fc.oneof(
  { weight: 6, arbitrary: event.map(({ extra: _, ...rest }) => rest) },
  { weight: 1, arbitrary: event },
  { weight: 1, arbitrary: fc.jsonValue() },
);

describe("ordinaryEvent()", () => {
  it("accepts nothing that the schema rejects, and reads every event as the schema does", () => {
    let ordinary = 0;
    fc.assert(
      fc.property(events, (input) => {
        const fast = ordinaryEvent(input);
        if (!fast) return;
        ordinary++;
        const verdict = eventSchema.safeParse(input);
        expect(verdict.error?.issues).toBeUndefined();
        expect(fast).toEqual(verdict.data);
      }),
      { numRuns: 20_000 },
    );
    // Otherwise the property holds for nothing.
    expect(ordinary).toBeGreaterThan(1_000);
  });

  it("accepts the instant of every day and second that there is, as the schema reads it", () => {
    fc.assert(
      fc.property(rightTime, fc.boolean(), (time, whole) => {
        const timestamp = whole ? `${time.slice(0, 19)}Z` : time;
        const input = { event_type: "view", region_id: "r", timestamp, idempotency_key: "k" };
        expect(ordinaryEvent(input)?.timestamp).toBe(Date.parse(timestamp));
      }),
      { numRuns: 5_000 },
    );
  });

  it("takes what clients ordinarily send", () => {
    const sent = {
      event_type: "booking",
      region_id: "nyc-161",
      timestamp: "2026-01-11T10:30:00Z",
      idempotency_key: "b-1029",
      user_id: "u-77",
      product_type: "standard_ride",
      quantity: 1,
      metadata: {},
    };
    expect(ordinaryEvent(sent)).toEqual({ ...sent, timestamp: Date.parse(sent.timestamp) });
  });
});
