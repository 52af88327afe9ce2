import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteReader, ByteWriter } from "../../domain/bytes.ts";
import type { DemandEvent } from "../../domain/event.ts";
import {
  addDelta,
  emptyDelta,
  type RegionDelta,
  readDelta,
  takeDelta,
  writeDelta,
} from "../../domain/region-delta.ts";
import { emptyRegion, RegionState } from "../../domain/region-state.ts";
import { SLICES, sliceOf } from "../../domain/slices.ts";
import { type EpochMs, MINUTE_MS, type ProductType, plus, SECOND_MS } from "../../domain/units.ts";
import {
  deliveriesFrom,
  demandEvent,
  mixed,
  RULES,
  T0,
  userEvents,
} from "../support/region-deliveries.ts";
import { shuffled } from "../support/shuffle.ts";

const AT_MOST_LATE_MS = RULES.outOfOrdernessMs + RULES.allowedLatenessMs;

/** Events of every kind that changes a region, over twenty minutes; some at the same instant. */
const anyEvents: fc.Arbitrary<DemandEvent[]> = fc
  .array(
    fc.record({
      kind: fc.constantFrom(
        ...(["search", "view", "booking", "booking", "cancellation", "driver_location"] as const),
        ...(["supply_update", "weather", "traffic", "local_event", "holiday"] as const),
        ...(["stock_level", "price_change"] as const),
      ),
      second: fc.nat({ max: 20 * 60 }),
      who: fc.nat({ max: 6 }),
      value: fc.nat({ max: 3 }),
    }),
    { maxLength: 40 },
  )
  .map((drawn) =>
    drawn.map(({ kind, second, who, value }, n) =>
      demandEvent(n, {
        eventType: kind,
        occurredAt: plus(T0, second * SECOND_MS),
        userHigh: who === 0 ? 0 : mixed(who),
        userLow: who === 0 ? 0 : mixed(who + 0x20000),
        productType: `product_${who}` as ProductType,
        metadata: metadataOf(kind, value),
      }),
    ),
  );

function metadataOf(kind: string, value: number): string {
  const status = ["available", "busy", "offline", "busy"][value];
  const fields: Record<string, object> = {
    driver_location: { driver_id: "d", status },
    supply_update: { available: value, busy: 3 - value },
    weather: { temp_f: 40 + value, precip_in: 0 },
    traffic: { index: value / 3 },
    local_event: { score: value / 3, ends_at: new Date(T0 + value * MINUTE_MS).toISOString() },
    holiday: { name: `day ${value}` },
    stock_level: { on_hand: value, daily_sales: 3 - value },
    price_change: { price: value, competitor: value % 2 === 0 ? "Even" : "Odd" },
  };
  return fields[kind] ? JSON.stringify(fields[kind]) : "";
}

const AS_OF = plus(T0, 21 * MINUTE_MS);
const FORGET_BEFORE = plus(T0, -MINUTE_MS);

/** A region that has heard these events at AS_OF. */
function regionOf(events: readonly DemandEvent[]): RegionState {
  const state = new RegionState(emptyRegion(), { ...RULES, allowedLatenessMs: 60 * MINUTE_MS });
  state.arrive(events, AS_OF, AS_OF);
  return state;
}

const deltaOf = (events: readonly DemandEvent[]): RegionDelta => takeDelta(regionOf(events).parts);

/** The sum of deltas, none of them changed. */
function sum(...deltas: readonly RegionDelta[]): RegionDelta {
  const total = emptyDelta();
  for (const delta of deltas) addDelta(total, delta, FORGET_BEFORE);
  return total;
}

/** Everything that can be learned from a delta. */
function told(delta: RegionDelta) {
  const state = new RegionState({ ...emptyRegion(), beganAt: T0 }, RULES);
  Object.assign(state.parts, sum(delta));
  return toldBy(state, AS_OF);
}

function toldBy(state: RegionState, asOf: EpochMs) {
  const { totals, lastBookingAt, quarterHours } = state.parts;
  const quarters: [number, number][] = [];
  quarterHours.forEach((quarter, count) => {
    quarters.push([quarter, count]);
  });
  return {
    totals,
    lastBookingAt,
    quarters,
    signals: [0, 5, 14, 29].map((minutes) => state.signalsAt(plus(asOf, -minutes * MINUTE_MS))),
    context: state.contextAt(asOf, "America/New_York"),
  };
}

describe("a region's delta", () => {
  it("holds every part of a region that events are counted into", () => {
    const judged = ["beganAt", "watermarkAt", "newestEventAt", "repeats", "earlier"];
    const parts = [...Object.keys(emptyDelta()), ...judged];
    expect(Object.keys(emptyRegion()).toSorted()).toEqual(parts.toSorted());
  });

  it("adds up in any order and any grouping, and the empty one changes nothing", () => {
    fc.assert(
      fc.property(anyEvents, anyEvents, anyEvents, (first, second, third) => {
        // Distinct keys are not needed: nothing is judged here.
        const [a, b, c] = [deltaOf(first), deltaOf(second), deltaOf(third)];
        const expected = told(sum(a, b, c));
        expect(told(sum(sum(a, b), c))).toEqual(expected);
        expect(told(sum(a, sum(b, c)))).toEqual(expected);
        expect(told(sum(c, b, a))).toEqual(expected);
        expect(told(sum(emptyDelta(), a))).toEqual(told(a));
        expect(told(sum(a, emptyDelta()))).toEqual(told(a));
      }),
      { numRuns: 150 },
    );
  });

  it("reads back from its bytes, which are few when there is little in it", () => {
    fc.assert(
      fc.property(anyEvents, (events) => {
        const delta = deltaOf(events);
        const writer = new ByteWriter();
        writeDelta(writer, delta, FORGET_BEFORE);
        writer.u8(99);
        const reader = new ByteReader(writer.copy());
        expect(told(readDelta(reader))).toEqual(told(delta));
        expect(reader.u8()).toBe(99);
        expect(writer.length).toBeLessThan(400 + 50 * events.length);
      }),
    );
  });

  it("reads back from bytes of the time before products were read", () => {
    const delta = deltaOf([demandEvent(1), demandEvent(2)]);
    const writer = new ByteWriter();
    writeDelta(writer, delta, FORGET_BEFORE);
    const [noStocks, noPrices] = writer.copy().subarray(-2);
    expect([noStocks, noPrices]).toEqual([0, 0]);
    const old = writer.copy().subarray(0, -2);
    old[0] = 1;
    expect(told(readDelta(new ByteReader(old)))).toEqual(told(delta));
  });

  it("is empty again once it was taken", () => {
    const state = regionOf([demandEvent(1), demandEvent(2)]);
    expect(takeDelta(state.parts).totals.booking).toBe(2);
    expect(toldBy(state, AS_OF)).toEqual(told(emptyDelta()));
    // What decides whether an event counts stays where it is.
    state.arrive([demandEvent(1), demandEvent(3)], AS_OF, AS_OF);
    expect(takeDelta(state.parts).totals).toMatchObject({ booking: 1, duplicates: 1 });
  });
});

/** Each event of `userEvents` delivered one to three times within the allowed lateness, and how its region is split. */
const splitRun = userEvents(60, 20 * MINUTE_MS).chain((events) =>
  fc.record({
    events: fc.constant(events),
    delays: fc.array(
      fc.array(fc.integer({ min: -5 * MINUTE_MS, max: AT_MOST_LATE_MS }), {
        minLength: 1,
        maxLength: 3,
      }),
      { minLength: events.length, maxLength: events.length },
    ),
    most: fc.integer({ min: 1, max: 20 }),
    /** Which shard owns each slice: any assignment. */
    owners: fc.array(fc.nat({ max: 4 }), { minLength: SLICES, maxLength: SLICES }),
    /** After which deliveries which shards tell what they counted. */
    tells: fc.array(fc.array(fc.nat({ max: 4 }), { maxLength: 5 }), { minLength: 1, maxLength: 7 }),
    order: fc.integer(),
  }),
);

describe("a region that is split by slices of its keys", () => {
  it("adds up to the region that is whole, whoever owns which slice and in whatever order the shards tell", () => {
    fc.assert(
      fc.property(splitRun, ({ events, delays, most, owners, tells, order }) => {
        const arrivals = events.flatMap((event, i) =>
          (delays[i] ?? []).map((delay) => ({ event, arrivedAt: event.occurredAt + delay })),
        );
        const whole = new RegionState(emptyRegion(), RULES);
        const shards = Array.from({ length: 5 }, () => new RegionState(emptyRegion(), RULES));
        const told: { name: string; bytes: Uint8Array }[] = [];
        const tell = (shard: RegionState, now: EpochMs) => {
          const writer = new ByteWriter();
          writeDelta(writer, takeDelta(shard.parts), shard.forgetBeforeAt(now));
          told.push({ name: `${told.length}`, bytes: writer.copy() });
        };
        const deliveries = deliveriesFrom(arrivals, most, RULES.transitAllowanceMs);
        for (const [i, { events: together, receivedAt, arrivedAt }] of deliveries.entries()) {
          whole.arrive(together, receivedAt, arrivedAt);
          for (const [s, shard] of shards.entries()) {
            const own = together.filter((event) => owners[sliceOf(event)] === s);
            shard.arrive(own, receivedAt, arrivedAt);
          }
          for (const s of tells[i % tells.length] ?? []) tell(shards[s] as RegionState, arrivedAt);
        }
        const lastAt = deliveries.at(-1)?.arrivedAt ?? T0;
        for (const shard of shards) tell(shard, lastAt);

        // Each comes twice, in any order; the second of a name is dropped.
        const root = new RegionState(emptyRegion(), RULES);
        const known = new Set<string>();
        for (const { name, bytes } of shuffled([...told, ...told], order)) {
          if (known.has(name)) continue;
          known.add(name);
          const forgetBeforeAt = whole.forgetBeforeAt(lastAt);
          addDelta(root.parts, readDelta(new ByteReader(bytes)), forgetBeforeAt);
        }
        const asOf = plus(lastAt, MINUTE_MS);
        expect(toldBy(root, asOf)).toEqual(toldBy(whole, asOf));
        expect(root.parts.totals.late).toBe(0);
        expect(root.parts.totals.duplicates).toBe(arrivals.length - events.length);
        // No shard runs ahead of what the whole region would have made of the same events.
        for (const shard of shards) {
          expect(shard.watermarkAt(lastAt)).toBeLessThanOrEqual(whole.watermarkAt(lastAt));
        }
      }),
      { numRuns: 150 },
    );
  });
});
