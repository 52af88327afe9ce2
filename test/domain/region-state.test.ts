import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteReader, ByteWriter } from "../../domain/bytes.ts";
import type { DemandEvent } from "../../domain/event.ts";
import { readRegion, writeRegion } from "../../domain/region-checkpoint.ts";
import { materialOf } from "../../domain/region-snapshot.ts";
import { emptyRegion, RegionState } from "../../domain/region-state.ts";
import { type EpochMs, MINUTE_MS, type ProductType, plus, SECOND_MS } from "../../domain/units.ts";
import {
  type Delivery,
  deliveriesFrom,
  demandEvent,
  RULES,
  T0,
  userEvents,
} from "../support/region-deliveries.ts";

const AT_MOST_LATE_MS = RULES.outOfOrdernessMs + RULES.allowedLatenessMs;

/** As a restart leaves it: everything through bytes. */
function reloaded(state: RegionState, now: EpochMs): RegionState {
  const writer = new ByteWriter();
  writeRegion(writer, state, now);
  return new RegionState(readRegion(new ByteReader(writer.copy())), RULES);
}

/** The state after all deliveries; it is reloaded after each for which `reloads` says so. */
function stateAfter(
  deliveries: readonly Delivery[],
  reloads: readonly boolean[] = [],
): RegionState {
  let state = new RegionState(emptyRegion(), RULES);
  for (const [i, { events, receivedAt, arrivedAt }] of deliveries.entries()) {
    state.arrive(events, receivedAt, arrivedAt);
    if (reloads[i % Math.max(1, reloads.length)]) state = reloaded(state, arrivedAt);
  }
  return state;
}

/** What a batch job would count over the distinct events, with no state at all. */
function oracle(events: readonly DemandEvent[], asOf: number) {
  const inWindow = (type: string, minutes: number) =>
    events.filter(({ eventType, occurredAt }) => {
      const behind = Math.ceil(asOf / SECOND_MS) - Math.floor(occurredAt / SECOND_MS);
      return eventType === type && behind > 0 && behind <= minutes * 60;
    }).length;
  const of = (type: string) => events.filter(({ eventType }) => eventType === type);
  const users = events.filter(({ userHigh, occurredAt }) => {
    const behind = Math.floor((asOf - 30 * MINUTE_MS) / SECOND_MS);
    return userHigh !== 0 && Math.floor(occurredAt / SECOND_MS) > behind;
  });
  return {
    totals: {
      search: of("search").length,
      view: of("view").length,
      booking: of("booking").length,
      cancellation: of("cancellation").length,
    },
    signals: {
      asOf,
      bookingCount1m: inWindow("booking", 1),
      bookingCount5m: inWindow("booking", 5),
      bookingCount15m: inWindow("booking", 15),
      searchCount5m: inWindow("search", 5),
      searchCount15m: inWindow("search", 15),
      cancellationCount15m: inWindow("cancellation", 15),
      activeSessions30m: new Set(users.map(({ userHigh }) => userHigh)).size,
      lastBookingAt: of("booking").reduce<number | null>(
        (last, { occurredAt }) => Math.max(last ?? 0, occurredAt),
        null,
      ),
    },
  };
}

/** Each event delivered one to three times, each time within the allowed lateness or up to five minutes early. */
const withinLateness = userEvents(60, 20 * MINUTE_MS).chain((events) =>
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
    reloads: fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }),
    laterMs: fc.nat({ max: 40 * MINUTE_MS }),
  }),
);

describe("a region's state", () => {
  it("is that of a batch job over the distinct events: any order within lateness, any repeats, any parcels, any restarts", () => {
    fc.assert(
      fc.property(withinLateness, ({ events, delays, most, reloads, laterMs }) => {
        const arrivals = events.flatMap((event, i) =>
          (delays[i] ?? []).map((delay) => ({ event, arrivedAt: event.occurredAt + delay })),
        );
        const deliveries = deliveriesFrom(arrivals, most, RULES.transitAllowanceMs);
        const state = stateAfter(deliveries, reloads);
        const lastAt = deliveries.at(-1)?.arrivedAt ?? T0;
        const asOf = plus(lastAt, 5 * MINUTE_MS + laterMs);
        const expected = oracle(events, asOf);
        expect(state.parts.totals).toEqual({
          ...expected.totals,
          late: 0,
          duplicates: arrivals.length - events.length,
        });
        expect(state.signalsAt(asOf)).toEqual(expected.signals);
      }),
      { numRuns: 300 },
    );
  });

  it("counts no event twice, however late its repeats come, and every delivery once", () => {
    const anyDelay = fc.integer({ min: 0, max: 60 * MINUTE_MS });
    const late = userEvents(30, 20 * MINUTE_MS).chain((events) =>
      fc.tuple(
        fc.constant(events),
        fc.array(fc.array(anyDelay, { minLength: 1, maxLength: 4 }), {
          minLength: events.length,
          maxLength: events.length,
        }),
        fc.integer({ min: 1, max: 10 }),
        fc.nat({ max: 20 * MINUTE_MS }),
        fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }),
      ),
    );
    fc.assert(
      fc.property(late, ([events, delays, most, transitMs, reloads]) => {
        const arrivals = events.flatMap((event, i) =>
          (delays[i] ?? []).map((delay) => ({ event, arrivedAt: event.occurredAt + delay })),
        );
        const deliveries = deliveriesFrom(arrivals, most, transitMs);
        const counted = new Map<number, number>();
        const plain = new RegionState(emptyRegion(), RULES);
        for (const { events: together, receivedAt, arrivedAt } of deliveries) {
          plain.arrive(together, receivedAt, arrivedAt, ({ keyHigh }, verdict) => {
            if (verdict === "counted") counted.set(keyHigh, (counted.get(keyHigh) ?? 0) + 1);
          });
        }
        expect([...counted.values()].every((times) => times === 1)).toBe(true);
        const { late, duplicates, ...kinds } = plain.parts.totals;
        const sum = Object.values(kinds).reduce((total, count) => total + count, late + duplicates);
        expect(sum).toBe(arrivals.length);
        // A region that was restarted all the time says the same.
        const restarted = stateAfter(deliveries, reloads);
        const asOf = plus(deliveries.at(-1)?.arrivedAt ?? T0, 1_000);
        expect(restarted.parts.totals).toEqual(plain.parts.totals);
        expect(restarted.signalsAt(asOf)).toEqual(plain.signalsAt(asOf));
        expect(restarted.watermarkAt(asOf)).toBe(plain.watermarkAt(asOf));
      }),
      { numRuns: 300 },
    );
  });

  it("remembers a key for the allowed lateness after it came, though the repeat names another time", () => {
    const state = new RegionState(emptyRegion(), RULES);
    state.arrive([demandEvent(0)], T0, T0);
    state.arrive([demandEvent(1, { occurredAt: plus(T0, -AT_MOST_LATE_MS) })], T0, T0);
    const soon = plus(T0, RULES.allowedLatenessMs);
    state.arrive([demandEvent(2, { occurredAt: soon })], soon, soon);
    state.arrive([demandEvent(1, { occurredAt: soon })], soon, soon);
    expect(state.parts.totals).toMatchObject({ booking: 3, duplicates: 1 });
  });

  it("counts an event past the allowed lateness under late alone, each time it comes", () => {
    const state = new RegionState(emptyRegion(), RULES);
    state.arrive([demandEvent(1)], T0, T0);
    const old = demandEvent(2, { occurredAt: plus(T0, -AT_MOST_LATE_MS - 1) });
    const edge = demandEvent(3, { occurredAt: plus(T0, -AT_MOST_LATE_MS) });
    const verdicts: string[] = [];
    state.arrive([old, old, edge], T0, T0, (_, verdict) => verdicts.push(verdict));
    expect(verdicts).toEqual(["late", "late", "counted"]);
    expect(state.parts.totals).toEqual({
      search: 0,
      view: 0,
      booking: 2,
      cancellation: 0,
      late: 2,
      duplicates: 0,
    });
  });

  it("forgives what it took from the door to the window, up to the transit allowance", () => {
    const verdictsAfter = (transitMs: number) => {
      const state = new RegionState(emptyRegion(), RULES);
      const receivedAt = plus(T0, AT_MOST_LATE_MS);
      const arrivedAt = plus(receivedAt, transitMs);
      state.arrive([demandEvent(1, { occurredAt: arrivedAt })], arrivedAt, arrivedAt);
      const verdicts: string[] = [];
      state.arrive([demandEvent(2)], receivedAt, arrivedAt, (_, verdict) => verdicts.push(verdict));
      return verdicts;
    };
    expect(verdictsAfter(RULES.transitAllowanceMs)).toEqual(["counted"]);
    expect(verdictsAfter(RULES.transitAllowanceMs + 1)).toEqual(["late"]);
  });

  it("moves its watermark with the newest event, behind the clock when one sender's is fast, and by itself when quiet", () => {
    const state = new RegionState(emptyRegion(), RULES);
    state.arrive([demandEvent(1, { occurredAt: plus(T0, -20 * SECOND_MS) })], T0, T0);
    expect(state.watermarkAt(T0)).toBe(T0 - 30 * SECOND_MS);
    state.arrive([demandEvent(2, { occurredAt: plus(T0, 4 * MINUTE_MS) })], T0, T0);
    expect(state.watermarkAt(T0)).toBe(T0 - RULES.outOfOrdernessMs);
    const later = plus(T0, 60 * MINUTE_MS);
    expect(state.watermarkAt(later)).toBe(later - RULES.outOfOrdernessMs - RULES.idleAfterMs);
    expect(state.watermarkAt(T0)).toBe(T0 - RULES.outOfOrdernessMs);
  });

  it("is read from a checkpoint of the time before products were read", () => {
    const state = new RegionState(emptyRegion(), RULES);
    const supply = JSON.stringify({ available: 3, busy: 9 });
    state.arrive([demandEvent(1, { eventType: "supply_update", metadata: supply })], T0, T0);
    const writer = new ByteWriter();
    writeRegion(writer, state, T0);
    const [noStocks, noPrices] = writer.copy().subarray(-2);
    expect([noStocks, noPrices]).toEqual([0, 0]);
    const bytes = writer.copy().subarray(0, -2);
    bytes[0] = 2;
    const old = new RegionState(readRegion(new ByteReader(bytes)), RULES);
    expect(old.contextAt(T0, "UTC")).toEqual(state.contextAt(T0, "UTC"));
    expect(old.signalsAt(T0)).toEqual(state.signalsAt(T0));
  });

  it("keeps stock and competitors' prices over a restart, and says something new only when one changes", () => {
    const product = { productType: "mug" as ProductType };
    const told = (event_type: "stock_level" | "price_change", n: number, metadata: object) =>
      demandEvent(n, { ...product, eventType: event_type, metadata: JSON.stringify(metadata) });
    const state = new RegionState(emptyRegion(), RULES);
    const material = () => materialOf(state.signalsAt(T0), state.contextAt(T0, "UTC"));
    const first = told("stock_level", 1, { on_hand: 40, daily_sales: 4 });
    state.arrive([first, told("price_change", 2, { price: 2.5, competitor: "Shop" })], T0, T0);
    const before = material();
    state.arrive([told("price_change", 3, { price: 1.95 })], T0, T0);
    state.arrive([told("price_change", 4, { price: 3, competitor: "Dearer" })], T0, T0);
    expect(material()).toBe(before);
    state.arrive([told("price_change", 5, { price: 2.2, competitor: "Cheaper" })], T0, T0);
    expect(material()).not.toBe(before);
    expect(reloaded(state, T0).contextAt(T0, "UTC")).toEqual(state.contextAt(T0, "UTC"));
  });

  it("that has heard nothing answers zeros", () => {
    const state = new RegionState(emptyRegion(), RULES);
    expect(state.signalsAt(T0)).toEqual(oracle([], T0).signals);
    expect(state.watermarkAt(T0)).toBe(T0 - RULES.outOfOrdernessMs - RULES.idleAfterMs);
    expect(state.contextAt(T0, "UTC").supply).toBeNull();
    expect(state.historyAt(T0).slots).toBe(0);
    expect(reloaded(state, T0).signalsAt(T0)).toEqual(state.signalsAt(T0));
  });
});
