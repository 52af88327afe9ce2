import { evictDurableObject, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import fc from "fast-check";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { EventCursor } from "../../../contract/packed-events.ts";
import type { EpochMs, RegionId } from "../../../domain/units.ts";
import { MINUTE_MS, plus } from "../../../domain/units.ts";
import { brokenEvents, parcelOfEvents } from "../../support/parcels.ts";
import {
  deliveriesFrom,
  demandEvent,
  RULES,
  T0,
  userEvents,
} from "../../support/region-deliveries.ts";
import { inRegion } from "./region-life.ts";

beforeEach(() => reset());

const NO_TOTALS = { search: 0, view: 0, booking: 0, cancellation: 0, late: 0, duplicates: 0 };
/** A little longer than any region waits before it stores what arrived. */
const STORED_AFTER_MS = 3_600;
const untilStored = () => vi.advanceTimersByTimeAsync(STORED_AFTER_MS);

describe("a region", () => {
  it("that has heard nothing answers zeros, and has a first tick", () =>
    inRegion("nyc-161", async (begin) => {
      const { region } = begin();
      const { totals, signals, supply } = await region.demand();
      expect(totals).toEqual(NO_TOTALS);
      expect(signals).toMatchObject({ asOf: T0, bookingCount15m: 0, activeSessions30m: 0 });
      expect(supply).toBeNull();
      expect((await region.snapshot(0, "America/New_York"))?.tick).toBe(1);
    }));

  it("counts a parcel once, however often it comes, and confirms it each time", () =>
    inRegion("nyc-161", async (begin) => {
      const { region, confirmed } = begin();
      const parcel = parcelOfEvents([demandEvent(1), demandEvent(2)], {
        number: 5,
        receivedAt: T0,
      });
      expect(await region.apply([parcel])).toMatchObject({
        events: 2,
        duplicates: 0,
        repeatedParcels: 0,
      });
      expect(await region.apply([parcel])).toMatchObject({
        events: 0,
        duplicates: 0,
        repeatedParcels: 1,
      });
      await untilStored();
      expect(confirmed).toEqual(["outbox-0/1/5", "outbox-0/1/5"]);
      await region.apply([parcel]);
      await untilStored();
      expect(confirmed).toHaveLength(3);
      expect((await region.demand()).totals).toEqual({ ...NO_TOTALS, booking: 2 });
    }));

  it("confirms nothing that a restart would forget", () =>
    inRegion("nyc-161", async (begin) => {
      const first = begin();
      await first.region.apply([parcelOfEvents([demandEvent(1)], { number: 1, receivedAt: T0 })]);
      expect(first.confirmed).toEqual([]);
      const second = begin();
      expect((await second.region.demand()).totals.booking).toBe(0);
      await second.region.apply([parcelOfEvents([demandEvent(1)], { number: 1, receivedAt: T0 })]);
      await untilStored();
      expect(first.confirmed).toEqual([]);
      expect(second.confirmed).toEqual(["outbox-0/1/1"]);
      expect((await begin().region.demand()).totals.booking).toBe(1);
    }));

  it("has stored what it tells, so that no restart takes it back", () =>
    inRegion("nyc-161", async (begin, clocks) => {
      const first = begin();
      await first.region.apply([parcelOfEvents([demandEvent(1)], { number: 1, receivedAt: T0 })]);
      expect((await first.region.demand()).totals.booking).toBe(1);
      expect((await begin().region.demand()).totals.booking).toBe(1);
      await first.region.apply([parcelOfEvents([demandEvent(2)], { number: 2, receivedAt: T0 })]);
      clocks.advance(1);
      const snapshot = await first.region.snapshot(0, "UTC");
      expect(snapshot?.signals.bookingCount15m).toBe(2);
      expect((await begin().region.demand()).signals.bookingCount15m).toBe(2);
    }));

  it("tells parcels of two outboxes, and of two epochs of one, apart", () =>
    inRegion("nyc-161", async (begin) => {
      const { region } = begin();
      const parcels = [
        parcelOfEvents([demandEvent(1)], { number: 1, receivedAt: T0 }),
        parcelOfEvents([demandEvent(2)], { number: 1, receivedAt: T0, outbox: "outbox-1" }),
        parcelOfEvents([demandEvent(3)], { number: 1, receivedAt: T0, epoch: 2 }),
      ];
      await region.apply(parcels);
      await region.demand();
      await begin().region.apply(parcels);
      expect((await begin().region.demand()).totals).toEqual({ ...NO_TOTALS, booking: 3 });
    }));

  it("takes a parcel below the low-water mark for one it knows", () =>
    inRegion("nyc-161", async (begin) => {
      const { region } = begin();
      await region.apply([
        parcelOfEvents([demandEvent(1)], { number: 9, lowWater: 8, receivedAt: T0 }),
      ]);
      const old = parcelOfEvents([demandEvent(2)], { number: 7, lowWater: 5, receivedAt: T0 });
      expect(await region.apply([old])).toMatchObject({ repeatedParcels: 1 });
    }));

  it("puts late events aside, whole, and counts them under late alone", () =>
    inRegion("nyc-161", async (begin, clocks, sql) => {
      const { region } = begin();
      const old = plus(T0, -RULES.allowedLatenessMs - RULES.outOfOrdernessMs - 1);
      await region.apply([parcelOfEvents([demandEvent(1)], { number: 1, receivedAt: T0 })]);
      const late = [3, 4].map((n) => demandEvent(n, { occurredAt: old, metadata: `{"n":${n}}` }));
      await region.apply([
        parcelOfEvents(
          [late[0], demandEvent(2), late[1]].flatMap((e) => e ?? []),
          { number: 2, receivedAt: T0 },
        ),
      ]);
      expect((await region.demand()).totals).toEqual({ ...NO_TOTALS, booking: 2, late: 2 });
      const rows = sql.exec<{ bytes: ArrayBuffer }>("SELECT bytes FROM late ORDER BY id").toArray();
      const aside = rows.flatMap(({ bytes }) =>
        Array.from(
          new EventCursor("nyc-161" as RegionId, new Uint8Array(bytes)),
          ({ metadata }) => metadata,
        ),
      );
      expect(aside).toEqual(['{"n":3}', '{"n":4}']);
      clocks.advance(1_000);
      expect((await begin().region.demand()).totals.late).toBe(2);
    }));

  it("loses nothing of what it has not stored to a broken parcel that comes again and again", () =>
    inRegion("nyc-161", async (begin) => {
      const { region, confirmed, late } = begin();
      const tooOld = demandEvent(1, { occurredAt: plus(T0, -20 * MINUTE_MS) });
      await region.apply([parcelOfEvents([demandEvent(0), tooOld], { number: 1, receivedAt: T0 })]);
      const broken = parcelOfEvents(brokenEvents([demandEvent(2), tooOld], demandEvent(3)), {
        number: 2,
        receivedAt: T0,
      });
      const beside = parcelOfEvents([demandEvent(4)], { number: 3, receivedAt: T0 });
      for (let again = 0; again < 4; again++) {
        await expect(region.apply([beside, broken])).rejects.toThrow("JSON");
        await vi.advanceTimersByTimeAsync(1_000);
      }
      await untilStored();
      expect(confirmed.filter((parcel) => parcel.endsWith("/2"))).toEqual([]);
      expect(new Set(confirmed)).toEqual(new Set(["outbox-0/1/1", "outbox-0/1/3"]));
      expect((await region.demand()).totals).toEqual({ ...NO_TOTALS, booking: 2, late: 1 });
      // Sent again, perhaps, but one message.
      expect(new Set(late.map(({ row }) => row)).size).toBe(1);
      const later = begin();
      expect((await later.region.demand()).totals).toEqual({ ...NO_TOTALS, booking: 2, late: 1 });
    }));

  it("is after any deliveries, restarts and checkpoints what a batch job would count", async () => {
    const run = userEvents(80, 4 * MINUTE_MS).chain((events) =>
      fc.record({
        events: fc.constant(events),
        delays: fc.array(fc.array(fc.nat({ max: 5 * MINUTE_MS }), { minLength: 1, maxLength: 3 }), {
          minLength: events.length,
          maxLength: events.length,
        }),
        most: fc.integer({ min: 1, max: 12 }),
        restarts: fc.array(fc.constantFrom("none", "none", "restart", "tell"), {
          minLength: 1,
          maxLength: 7,
        }),
        /** Enough bytes in each event now and then to make the log outgrow its checkpoint. */
        padding: fc.constantFrom(0, 0, 30_000),
      }),
    );
    await fc.assert(
      fc.asyncProperty(run, async ({ events, delays, most, restarts, padding }) => {
        await reset();
        await inRegion("nyc-161", async (begin, clocks) => {
          const metadata = padding === 0 ? "" : JSON.stringify("x".repeat(padding));
          const arrivals = events.flatMap((event, i) =>
            (delays[i] ?? []).map((delay) => ({
              event: { ...event, metadata },
              arrivedAt: event.occurredAt + delay,
            })),
          );
          let life = begin();
          let unstored: Uint8Array[] = [];
          for (const [i, delivery] of deliveriesFrom(arrivals, most, 30_000).entries()) {
            clocks.wallNow = delivery.arrivedAt;
            const parcel = parcelOfEvents(delivery.events, {
              number: i + 1,
              receivedAt: delivery.receivedAt,
            });
            await life.region.apply([parcel]);
            unstored.push(parcel);
            const what = restarts[i % restarts.length];
            if (what === "restart") {
              life = begin();
              // The outbox sends again what was not confirmed.
              await life.region.apply(unstored);
            }
            if (what === "tell") {
              await life.region.demand();
              unstored = [];
            }
          }
          const { totals, signals } = await life.region.demand();
          const count = (type: string) =>
            events.filter(({ eventType }) => eventType === type).length;
          expect(totals).toEqual({
            search: count("search"),
            view: count("view"),
            booking: count("booking"),
            cancellation: count("cancellation"),
            late: 0,
            duplicates: arrivals.length - events.length,
          });
          const restarted = begin();
          expect(await restarted.region.demand()).toMatchObject({ totals, signals });
        });
      }),
      { numRuns: 40 },
    );
  });

  it("writes a row for what arrives together, and stays within its 256 log rows however long it lives", () =>
    inRegion("nyc-161", async (begin, clocks, sql) => {
      let { region } = begin();
      for (let n = 0; n < 700; n++) {
        clocks.advance(500);
        const events = [demandEvent(2 * n), demandEvent(2 * n + 1)].map((event) => ({
          ...event,
          occurredAt: clocks.wallNow,
        }));
        await region.apply([parcelOfEvents(events, { number: n + 1, receivedAt: clocks.wallNow })]);
        await region.demand();
        if (n % 97 === 0) region = begin().region;
      }
      const { rows } = sql.exec<{ rows: number }>("SELECT count(*) AS rows FROM arrivals").one();
      expect(rows).toBe(256);
      // The first parcel was never said to be confirmed; it is known still, through every checkpoint.
      const first = parcelOfEvents([demandEvent(0)], { number: 1, receivedAt: clocks.wallNow });
      expect(await begin().region.apply([first])).toMatchObject({ events: 0, repeatedParcels: 1 });
      expect((await begin().region.demand()).totals).toEqual({ ...NO_TOTALS, booking: 1_400 });
    }));

  it("knows its bookings of the weeks before from a seed, and nothing of it is lost", () =>
    inRegion("nyc-161", async (begin, clocks) => {
      const { region } = begin();
      const quarter = 15 * MINUTE_MS;
      const startAt = (Math.floor((T0 - 28 * 24 * 60 * MINUTE_MS) / quarter) * quarter) as EpochMs;
      const slots = Math.floor((T0 - startAt) / quarter);
      await region.seedHistory({ startAt, counts: Array.from({ length: slots }, () => 7) });
      const snapshot = await begin().region.snapshot(0, "America/New_York");
      expect(snapshot?.usual).toEqual([7, 7, 7, 7]);
      expect(snapshot?.features.every((value) => value === null || Number.isFinite(value))).toBe(
        true,
      );
      await expect(region.seedHistory({ startAt: plus(startAt, 1), counts: [] })).rejects.toThrow(
        RangeError,
      );
      clocks.advance(MINUTE_MS);
      await region.seedHistory({ startAt, counts: Array.from({ length: slots }, () => 9) });
      expect((await begin().region.snapshot(0, "America/New_York"))?.usual).toEqual([9, 9, 9, 9]);
    }));
});

describe("a real region", () => {
  it("keeps everything it has told through an eviction", async () => {
    const now = Date.now() as EpochMs;
    const stub = env.REGIONS.getByName("nyc-234");
    const event = (n: number) =>
      demandEvent(n, { occurredAt: now, regionId: "nyc-234" as RegionId });
    await stub.apply([parcelOfEvents([event(1), event(2)], { number: 1, receivedAt: now })]);
    const before = await stub.demand();
    expect(before.totals.booking).toBe(2);
    await evictDurableObject(stub);
    expect((await stub.demand()).totals).toEqual(before.totals);
    await stub.apply([parcelOfEvents([event(1), event(3)], { number: 2, receivedAt: now })]);
    await evictDurableObject(stub);
    // Not told, not stored, not confirmed: the outbox sends it again.
    await stub.apply([parcelOfEvents([event(1), event(3)], { number: 2, receivedAt: now })]);
    expect((await stub.demand()).totals).toEqual({ ...before.totals, booking: 3, duplicates: 1 });
  });
});
