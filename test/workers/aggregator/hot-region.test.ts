import { abortAllDurableObjects, evictDurableObject } from "cloudflare:test";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { DemandEvent } from "../../../domain/event.ts";
import { SHARD_COUNTS, type ShardCount } from "../../../domain/slices.ts";
import { type EpochMs, MINUTE_MS, plus, SECOND_MS } from "../../../domain/units.ts";
import { brokenEvents } from "../../support/parcels.ts";
import { demandEvent, mixed } from "../../support/region-deliveries.ts";
import { type Call, type Fault, HotRegion, ROOT_CALLS, SHARD_CALLS } from "./hot-region-life.ts";

let region: HotRegion;
let regions = 0;
/** A region nobody has heard of: calls that are under way when a test ends may still reach the objects it used. */
function begin(): void {
  region = new HotRegion(`region-${++regions}`);
}
beforeEach(begin);
afterEach(() => region.end());

const now = () => Date.now() as EpochMs;

/** The n-th event: a user event of the last two minutes. */
function eventOf(n: number): DemandEvent {
  const types = ["booking", "search", "view", "cancellation", "booking"] as const;
  return demandEvent(n, {
    eventType: types[n % types.length] ?? "booking",
    regionId: region.regionId,
    occurredAt: plus(now(), -(mixed(n) % (2 * MINUTE_MS))),
    userHigh: mixed(n % 17),
    userLow: mixed((n % 17) + 0x20000),
  });
}

const eventsOf = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => eventOf(from + i));

/** What a batch job would count of these events, each once. */
function oracle(events: readonly DemandEvent[], asOf: number) {
  const count = (type: string, minutes = Number.POSITIVE_INFINITY) =>
    events.filter(({ eventType, occurredAt }) => {
      const behind = Math.ceil(asOf / SECOND_MS) - Math.floor(occurredAt / SECOND_MS);
      return eventType === type && behind > 0 && behind <= minutes * 60;
    }).length;
  const of = (type: string) => events.filter(({ eventType }) => eventType === type);
  return {
    totals: {
      search: of("search").length,
      view: of("view").length,
      booking: of("booking").length,
      cancellation: of("cancellation").length,
    },
    signals: {
      asOf,
      bookingCount1m: count("booking", 1),
      bookingCount5m: count("booking", 5),
      bookingCount15m: count("booking", 15),
      searchCount5m: count("search", 5),
      searchCount15m: count("search", 15),
      cancellationCount15m: count("cancellation", 15),
      activeSessions30m: new Set(events.map(({ userHigh }) => userHigh)).size,
      lastBookingAt: of("booking").reduce<number | null>(
        (last, { occurredAt }) => Math.max(last ?? 0, occurredAt),
        null,
      ),
    },
  };
}

/** The region says exactly what a batch job would: each event once, each delivery of one accounted for. */
async function expectExactly(events: readonly DemandEvent[], duplicates: number): Promise<void> {
  const { totals, signals } = await region.root.demand();
  const expected = oracle(events, signals.asOf);
  expect(totals).toEqual({ ...expected.totals, late: 0, duplicates });
  expect(signals).toEqual(expected.signals);
}

const CALLS: Call[] = [
  ...ROOT_CALLS.map((name) => `root.${name}` as const),
  ...SHARD_CALLS.map((name) => `shard.${name}` as const),
];
const FAULTS: Fault[] = ["refused", "answer lost", "dies before", "dies after"];

describe("a hot region", () => {
  it("counts on while it splits in two, in sixteen, and merges again", async () => {
    const events: DemandEvent[] = [];
    let repeats = 0;
    for (const shards of [1, 2, 16, 4, 1, 8, 1] as const) {
      await region.reshape(shards);
      const fresh = eventsOf(events.length, 60);
      // Events of before the change come again in other parcels after it.
      const again = events.filter((_, i) => i % 7 === 0);
      repeats += again.length;
      events.push(...fresh);
      const first = region.parcel([...fresh.slice(0, 40), ...again], now());
      const second = region.parcel(fresh.slice(40), now());
      await region.deliver([first, second]);
      await region.deliver([first], 1);
      await region.settle();
      await expectExactly(events, repeats);
    }
    expect((await region.layout()).version).toBe(6);
    expect(region.applied.some(({ repeatedParcels }) => repeatedParcels > 0)).toBe(true);
  });

  it("forgets nothing it has told when everything dies, split or not", async () => {
    const events = eventsOf(0, 50);
    region.parcel(events, now());
    for (const shards of [1, 4, 1] as const) {
      await region.reshape(shards);
      await region.settle();
      await expectExactly(events, 0);
      await abortAllDurableObjects();
      await expectExactly(events, 0);
    }
    await evictDurableObject(region.root);
    await expectExactly(events, 0);
  });

  it("puts late events aside at the root, once, and counts them under late alone", async () => {
    const fresh = eventsOf(0, 40);
    region.parcel(fresh, now());
    await region.reshape(4);
    await region.settle();
    const late = eventsOf(40, 10).map((event) => ({
      ...event,
      occurredAt: plus(now(), -20 * MINUTE_MS),
    }));
    const number = region.parcel([...late, ...eventsOf(50, 10)], now());
    await region.deliver([number]);
    await region.deliver([number], 1);
    await region.settle();
    const { totals } = await region.root.demand();
    expect(totals).toMatchObject({ late: 10, duplicates: 0 });
    const { search, view, booking, cancellation } = totals;
    expect(search + view + booking + cancellation).toBe(50);
    const aside = await region.lateEvents();
    expect(aside.toSorted()).toEqual(late.map(({ keyLow }) => keyLow).toSorted());
  });

  it("ends a change that dies at any of its steps, and neither loses nor repeats an event", async () => {
    const events: DemandEvent[] = [];
    let repeats = 0;
    const bring = async () => {
      const again = events.slice(-3);
      const fresh = eventsOf(events.length, 20);
      repeats += again.length;
      events.push(...fresh);
      await region.deliver([region.parcel([...fresh, ...again], now())]);
    };
    await bring();
    for (const call of CALLS) {
      for (const fault of FAULTS) {
        region.failNext(call, fault);
        for (const shards of [2, 8, 1] as const) {
          const change = region.reshape(shards);
          await bring();
          await change;
          await region.deliver(region.unconfirmed);
        }
      }
    }
    await region.settle();
    expect(region.faultsLeft).toBe(0);
    await expectExactly(events, repeats);
  }, 180_000);

  it("answers as before, and says for how long, while a shard holds up a change", async () => {
    const events = eventsOf(0, 40);
    region.parcel(events, now());
    await region.reshape(2);
    await region.settle();
    for (let n = 0; n < 1_000; n++) region.failNext("shard.handOver", "refused");
    region.wanted = 1;
    await vi.waitFor(async () => {
      await region.root.demand();
      expect(region.faultsLeft).toBeLessThan(1_000);
    });
    const next = region.parcel(eventsOf(40, 10), now());
    await vi.waitFor(async () => {
      expect(await region.deliver([next])).toBe(false);
      expect(region.changing.at(-1)).toBeGreaterThan(1_000);
      await expectExactly(events, 0);
    }, 10_000);
    expect(await region.root.snapshot(0, "UTC")).not.toBeNull();
    // Sixteen slices a try, and a few tries in this time: it does not spin.
    expect(region.faultsLeft).toBeGreaterThan(700);
    region.clearFaults();
    await region.settle();
    await expectExactly([...events, ...eventsOf(40, 10)], 0);
  });

  it("keeps what a shard counted when a broken parcel comes beside it", async () => {
    await region.reshape(2);
    const events = eventsOf(0, 40);
    const good = region.parcel(events, now());
    await region.deliver([good]);
    const broken = region.parcel(brokenEvents([], eventOf(40)), now());
    for (let again = 0; again < 5; again++) {
      expect(await region.deliver([broken])).toBe(false);
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    await vi.waitFor(async () => {
      await region.deliver([good]);
      expect(region.unconfirmed).toEqual([broken]);
    }, 5_000);
    await expectExactly(events, 0);
  });

  it("is exact after any mixture of splits, merges, deaths, failures, repeats and old layouts", async () => {
    const action = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({ kind: fc.constant("send" as const), repeats: fc.nat(9) }),
      },
      { weight: 4, arbitrary: fc.record({ kind: fc.constant("again" as const), which: fc.nat() }) },
      {
        weight: 3,
        arbitrary: fc.record({
          kind: fc.constant("reshape" as const),
          shards: fc.constantFrom<ShardCount>(...SHARD_COUNTS),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({
          kind: fc.constant("kill" as const),
          which: fc.constantFrom<("root" | number)[]>("root", 0, 1, 2, 3),
        }),
      },
      {
        weight: 3,
        arbitrary: fc.record({
          kind: fc.constant("fail" as const),
          call: fc.constantFrom(...CALLS),
          fault: fc.constantFrom(...FAULTS),
        }),
      },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant("ask" as const) }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.nat(900) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("all die" as const) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 40, maxLength: 60 }), async (actions) => {
        region.end();
        begin();
        const events: DemandEvent[] = [];
        let repeats = 0;
        const underWay: Promise<unknown>[] = [];
        const send = (again: readonly DemandEvent[]) => {
          const fresh = eventsOf(events.length, 12);
          repeats += again.length;
          events.push(...fresh);
          return region.deliver([region.parcel([...again, ...fresh], now())], events.length);
        };
        await send([]);
        for (const [i, one] of actions.entries()) {
          if (one.kind === "send") {
            underWay.push(send(events.filter((_, n) => n % 10 < one.repeats && n % 3 === 0)));
          } else if (one.kind === "again") {
            const number = 1 + (one.which % region.sent.size);
            underWay.push(region.deliver([number, ...region.unconfirmed.slice(0, 3)], i));
          } else if (one.kind === "reshape") {
            region.wanted = one.shards;
          } else if (one.kind === "kill") {
            await region.kill(one.which);
          } else if (one.kind === "fail") {
            region.failNext(one.call, one.fault);
          } else if (one.kind === "ask") {
            await region.root.demand().catch(() => null);
          } else if (one.kind === "wait") {
            await new Promise((resolve) => setTimeout(resolve, one.ms));
          } else {
            await abortAllDurableObjects();
          }
        }
        await Promise.all(underWay);
        region.clearFaults();
        await region.settle();
        await expectExactly(events, repeats);
        // The least that was told is everything there is: nothing rests in a shard alone.
        await abortAllDurableObjects();
        await expectExactly(events, repeats);
      }),
      { numRuns: 6 },
    );
  }, 240_000);
});
