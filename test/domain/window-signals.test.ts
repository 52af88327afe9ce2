import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteReader, ByteWriter } from "../../domain/bytes.ts";
import type { DemandEvent } from "../../domain/event.ts";
import { readRegion, writeRegion } from "../../domain/region-checkpoint.ts";
import { emptyRegion, RegionState } from "../../domain/region-state.ts";
import { type EpochMs, MINUTE_MS, plus, SECOND_MS } from "../../domain/units.ts";
import { reachMsOf } from "../../domain/watermark.ts";
import { type WindowSignal, WindowSignals } from "../../domain/window-signals.ts";
import {
  type Delivery,
  deliveriesFrom,
  demandEvent,
  mixed,
  RULES,
  T0,
} from "../support/region-deliveries.ts";
import { oracleSignals, signalKey } from "../support/window-oracle.ts";

const AT_MOST_LATE_MS = RULES.outOfOrdernessMs + RULES.allowedLatenessMs;

/** A region as its object keeps it: what is not stored is gone in a crash, and its parcels come again. */
class Life {
  readonly told: WindowSignal[] = [];
  private state = new RegionState(emptyRegion(reachMsOf(RULES)), RULES);
  private signals = new WindowSignals();
  private stored = this.bytes(T0);
  private ahead: Delivery[] = [];

  arrive(delivery: Delivery): void {
    const [oldest] = this.ahead;
    // Nothing is left unstored for longer than the way to the window may take.
    if (oldest && delivery.arrivedAt - oldest.receivedAt > RULES.transitAllowanceMs) {
      this.store(oldest.arrivedAt);
    }
    this.ahead.push(delivery);
    this.count(delivery);
  }

  /** Stores what came, then tells what is due; `isHeard` says whether the answer comes back. */
  settle(now: EpochMs, isHeard: boolean): void {
    this.store(now);
    this.signals.collect(this.state, now);
    const untold = this.signals.untold(100);
    this.told.push(...untold);
    if (isHeard) this.signals.told(untold);
  }

  private store(now: EpochMs): void {
    this.stored = this.bytes(now);
    this.ahead = [];
  }

  crash(now: EpochMs): void {
    const reader = new ByteReader(this.stored);
    this.state = new RegionState(readRegion(reader, reachMsOf(RULES)), RULES);
    this.signals = WindowSignals.readFrom(reader);
    this.signals.collect(this.state, now);
    for (const delivery of this.ahead) this.count({ ...delivery, arrivedAt: now });
  }

  private count({ events, receivedAt, arrivedAt }: Delivery): void {
    const { signals, state } = this;
    if (signals.isBehind(state, arrivedAt)) signals.collect(state, arrivedAt);
    state.arrive(events, receivedAt, arrivedAt);
  }

  private bytes(now: EpochMs): Uint8Array {
    const writer = new ByteWriter();
    this.signals.collect(this.state, now);
    writeRegion(writer, this.state, now);
    this.signals.writeTo(writer);
    return writer.copy();
  }
}

/** User events and supply in two bouts with up to an hour of silence between; readings are never of one instant. */
const stream: fc.Arbitrary<DemandEvent[]> = fc
  .tuple(
    fc.nat({ max: 60 }),
    fc.array(
      fc.record({
        kind: fc.constantFrom("search", "view", "booking", "booking", "cancellation", "supply"),
        isLater: fc.boolean(),
        second: fc.nat({ max: 12 * 60 }),
        user: fc.nat({ max: 5 }),
      }),
      { minLength: 1, maxLength: 40 },
    ),
  )
  .map(([silence, drawn]) =>
    drawn.map(({ kind, isLater, second, user }, n) => {
      const bout = isLater ? (12 + silence) * MINUTE_MS : 0;
      const occurredAt = plus(T0, bout + second * SECOND_MS + n);
      const isSupply = kind === "supply";
      return demandEvent(n, {
        eventType: isSupply ? "supply_update" : (kind as DemandEvent["eventType"]),
        occurredAt,
        userHigh: isSupply || user === 0 ? 0 : mixed(user),
        userLow: isSupply || user === 0 ? 0 : mixed(user + 99),
        metadata: isSupply ? JSON.stringify({ available: n, busy: user }) : "",
      });
    }),
  );

const schedule = fc.record({
  most: fc.integer({ min: 1, max: 12 }),
  steps: fc.array(fc.constantFrom("none", "settle", "unheard", "crash"), {
    minLength: 1,
    maxLength: 7,
  }),
});

describe("signals of windows", () => {
  it("are in the end those of a batch job, whatever the order within lateness, the repeats, the parcels and the crashes", () => {
    const runs = stream.chain((events) =>
      fc.tuple(
        fc.constant(events),
        fc.array(fc.array(fc.nat({ max: AT_MOST_LATE_MS - 1 }), { minLength: 1, maxLength: 3 }), {
          minLength: events.length,
          maxLength: events.length,
        }),
        schedule,
      ),
    );
    fc.assert(
      fc.property(runs, ([events, delays, { most, steps }]) => {
        const arrivals = events.flatMap((event, i) =>
          (delays[i] ?? []).map((delay) => ({ event, arrivedAt: event.occurredAt + delay })),
        );
        const life = new Life();
        let now = T0;
        for (const [i, delivery] of deliveriesFrom(arrivals, most, 0).entries()) {
          now = delivery.arrivedAt;
          life.arrive(delivery);
          const step = steps[i % steps.length];
          if (step === "crash") life.crash(now);
          else if (step !== "none") life.settle(now, step === "settle");
        }
        // What a region that went quiet does: windows close by the clock.
        for (let later = 0; later < 90; later += 5) life.settle(plus(now, later * MINUTE_MS), true);

        const last = new Map<string, WindowSignal>();
        for (const signal of life.told) {
          const key = signalKey(signal);
          const known = last.get(key);
          if (known?.revision === signal.revision) expect(signal).toEqual(known);
          if (!known || known.revision < signal.revision) last.set(key, signal);
        }
        const said = new Map([...last].map(([key, { revision: _, ...rest }]) => [key, rest]));
        const expected = oracleSignals(events);
        // A window that only supply came to is not told; one that was told is told whole.
        expect(Object.fromEntries(said)).toEqual(Object.fromEntries(expected));
      }),
      { numRuns: 80 },
    );
  });

  it("come once when nothing changes, and again with the next revision when an event that is not late does", () => {
    const state = new RegionState(emptyRegion(), RULES);
    const signals = new WindowSignals();
    const tell = (now: EpochMs) => {
      signals.collect(state, now);
      const untold = signals.untold(100);
      signals.told(untold);
      return untold.map(({ startAt, widthMs, revision, counts }) => [
        (startAt - T0) / MINUTE_MS,
        widthMs / MINUTE_MS,
        revision,
        counts.booking,
      ]);
    };
    state.arrive([demandEvent(1, { occurredAt: plus(T0, 1_000) })], T0, plus(T0, 1_000));
    expect(tell(plus(T0, 30_000))).toEqual([]);
    const minute = plus(T0, 71_000);
    state.arrive([demandEvent(2, { occurredAt: minute })], minute, minute);
    expect(tell(minute)).toEqual([[0, 1, 1, 1]]);
    expect(tell(plus(minute, 1_000))).toEqual([]);
    state.arrive([demandEvent(3, { occurredAt: plus(T0, 59_999) })], minute, minute);
    expect(tell(plus(minute, 2_000))).toEqual([[0, 1, 2, 2]]);
    // Quiet: the clock closes what is open.
    const quiet = plus(T0, 5 * MINUTE_MS + RULES.outOfOrdernessMs + RULES.idleAfterMs);
    expect(tell(quiet)).toEqual([
      [1, 1, 1, 1],
      [0, 5, 1, 3],
    ]);
    expect(signals.nextCloseAt(state)).not.toBeNull();
    expect(tell(plus(T0, 60 * MINUTE_MS))).toEqual([]);
    expect(signals.nextCloseAt(state)).toBeNull();
  });
});
