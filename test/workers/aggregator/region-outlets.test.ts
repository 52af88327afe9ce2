import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { DemandSignal } from "../../../contract/demand-signals.ts";
import { EventCursor } from "../../../contract/packed-events.ts";
import { type EpochMs, MINUTE_MS, plus, SECOND_MS } from "../../../domain/units.ts";
import { parcelOfEvents } from "../../support/parcels.ts";
import { demandEvent, mixed, RULES, T0 } from "../../support/region-deliveries.ts";
import { inRegion } from "./region-life.ts";

beforeEach(() => reset());

/** A little longer than any region waits before it stores what arrived. */
const untilStored = () => vi.advanceTimersByTimeAsync(3_600);

const QUIET_MS = RULES.outOfOrdernessMs + RULES.idleAfterMs;

/** A parcel with one booking of user `n` at `occurredAt`. */
const parcelAt = (number: number, occurredAt: EpochMs) =>
  parcelOfEvents(
    [demandEvent(number, { occurredAt, userHigh: mixed(number), userLow: mixed(number + 7) })],
    { number, receivedAt: occurredAt },
  );

const names = (told: readonly DemandSignal[]) =>
  told.map(({ width_s, start_at, revision, counts }) => {
    const minute = (Date.parse(start_at) - T0) / MINUTE_MS;
    return `${width_s / 60} min at ${minute}, revision ${revision}: ${counts.booking}`;
  });

describe("a region's windows", () => {
  it("are told when the watermark passes their end, and again when an event that is not late changes them", () =>
    inRegion("nyc-161", async (begin, clocks) => {
      const { region, told } = begin();
      await region.apply([parcelAt(1, plus(T0, 5_000))]);
      clocks.advance(MINUTE_MS);
      await untilStored();
      expect(told).toEqual([]);
      clocks.advance(15 * SECOND_MS);
      await region.apply([parcelAt(2, clocks.wallNow)]);
      await untilStored();
      expect(names(told)).toEqual(["1 min at 0, revision 1: 1"]);
      expect(told[0]).toMatchObject({
        region_id: "nyc-161",
        start_at: "2026-01-11T10:30:00.000Z",
        end_at: "2026-01-11T10:31:00.000Z",
        active_sessions: 1,
        available_drivers: null,
      });
      await region.apply([parcelAt(3, plus(T0, 30_000))]);
      clocks.advance(MINUTE_MS);
      await region.apply([parcelAt(4, clocks.wallNow)]);
      await untilStored();
      expect(names(told).slice(1)).toEqual([
        "1 min at 0, revision 2: 2",
        "1 min at 1, revision 1: 1",
      ]);
    }));

  it("close by the alarm when the region went quiet and its object was evicted, and all of it is told once", () =>
    inRegion("nyc-161", async (begin, clocks, _, world) => {
      const first = begin();
      await first.region.apply([parcelAt(1, T0)]);
      await untilStored();
      expect(first.told).toEqual([]);
      const told: DemandSignal[] = [];
      for (let alarms = 0; world.alarmAt !== null && alarms < 20; alarms++) {
        clocks.wallNow = world.alarmAt as EpochMs;
        world.alarmAt = null;
        const life = begin();
        await life.region.alarm();
        told.push(...life.told);
      }
      expect(world.alarmAt).toBeNull();
      expect(clocks.wallNow - T0).toBeGreaterThan(30 * MINUTE_MS + QUIET_MS);
      // The session is open for half an hour: thirty windows of a minute, six of five, each once.
      expect(new Set(names(told)).size).toBe(36);
      expect(told).toHaveLength(36);
      // Whoever asks later is told nothing anew.
      const later = begin();
      await later.region.demand();
      await later.region.alarm();
      expect(later.told).toEqual([]);
      expect(world.alarmAt).toBeNull();
    }));

  it("are told again after a crash that forgot it, under the revision they had", () =>
    inRegion("nyc-161", async (begin, clocks, _, world) => {
      const first = begin();
      await first.region.apply([parcelAt(1, T0)]);
      clocks.advance(75 * SECOND_MS);
      await first.region.apply([parcelAt(2, clocks.wallNow)]);
      world.outboxAnswer = "lost";
      await untilStored();
      expect(names(first.told)).toEqual(["1 min at 0, revision 1: 1"]);
      world.outboxAnswer = "stored";
      const second = begin();
      // It changes the window that was told, before anything is told again.
      await second.region.apply([parcelAt(3, plus(T0, 1_000))]);
      clocks.advance(11 * SECOND_MS);
      await untilStored();
      expect(names(second.told)).toEqual(["1 min at 0, revision 2: 2"]);
    }));

  it("wait for an outbox that is full, and come when it is not", () =>
    inRegion("nyc-161", async (begin, clocks, _, world) => {
      const { region, told, confirmed } = begin();
      world.outboxAnswer = "full";
      await region.apply([parcelAt(1, T0)]);
      clocks.advance(75 * SECOND_MS);
      await region.apply([parcelAt(2, clocks.wallNow)]);
      await untilStored();
      expect(told).toEqual([]);
      expect(confirmed).toHaveLength(2);
      world.outboxAnswer = "stored";
      clocks.advance(11 * SECOND_MS);
      await vi.advanceTimersByTimeAsync(15 * SECOND_MS);
      expect(names(told)).toEqual(["1 min at 0, revision 1: 1"]);
    }));

  it("cost a region that is busy one alarm, and no row of their own", () =>
    inRegion("nyc-161", async (begin, clocks, sql, world) => {
      const { region, told } = begin();
      let alarms = 0;
      for (let n = 1; n <= 100; n++) {
        clocks.advance(3 * SECOND_MS);
        const before = world.alarmAt;
        await region.apply([parcelAt(n, clocks.wallNow)]);
        await untilStored();
        if (world.alarmAt !== before) alarms++;
      }
      expect(told.length).toBeGreaterThanOrEqual(4);
      expect(alarms).toBe(1);
      const { rows } = sql.exec<{ rows: number }>("SELECT count(*) AS rows FROM arrivals").one();
      expect(rows).toBe(100);
    }));
});

describe("late events", () => {
  /** Events that are late by far, in a parcel of their own. */
  const lateParcel = (number: number, keys: readonly number[]) =>
    parcelOfEvents(
      keys.map((key) => demandEvent(key, { occurredAt: plus(T0, -60 * MINUTE_MS) })),
      { number, receivedAt: T0 },
    );
  const keysOf = (messages: readonly { events: Uint8Array; regionId: string }[]) =>
    messages.flatMap(({ events, regionId }) =>
      Array.from(new EventCursor(regionId as never, events), ({ keyLow }) => keyLow),
    );

  it("go to their queue, again until they are confirmed, and then are gone; no number comes twice", () =>
    inRegion("nyc-161", async (begin, clocks, sql) => {
      const first = begin();
      await first.region.apply([lateParcel(1, [1, 2])]);
      await untilStored();
      expect(keysOf(first.late)).toEqual([1, 2].map((key) => demandEvent(key).keyLow));
      const [message] = first.late;
      expect(message).toMatchObject({ id: `nyc-161/${message?.row}`, count: 2, arrivedAt: T0 });
      // Not confirmed: the next life sends it again, alike.
      clocks.advance(MINUTE_MS);
      const second = begin();
      await second.region.apply([lateParcel(2, [3])]);
      await untilStored();
      expect(second.late[0]).toEqual(message);
      expect(keysOf(second.late)).toHaveLength(3);
      await second.region.confirmLate(second.late.map(({ row }) => row));
      expect(sql.exec("SELECT * FROM late").toArray()).toEqual([]);
      const third = begin();
      await third.region.apply([lateParcel(3, [4])]);
      await untilStored();
      expect(keysOf(third.late)).toEqual([demandEvent(4).keyLow]);
      expect(third.late[0]?.row).toBeGreaterThan(second.late.at(-1)?.row ?? 0);
      expect((await third.region.demand()).totals.late).toBe(4);
    }));

  it("hold up no parcel when their queue does not answer", () =>
    inRegion("nyc-161", async (begin, clocks, _, world) => {
      world.lateQueueWorks = false;
      const { region, late, confirmed } = begin();
      await region.apply([lateParcel(1, [1])]);
      await untilStored();
      expect(confirmed).toHaveLength(1);
      expect(late).toEqual([]);
      world.lateQueueWorks = true;
      clocks.wallNow = (world.alarmAt ?? 0) as EpochMs;
      await region.alarm();
      expect(keysOf(late)).toHaveLength(1);
    }));

  it("are kept to a bound, the newest of them, and the rest is counted", () =>
    inRegion("nyc-161", async (begin, _, sql, world) => {
      world.lateQueueWorks = false;
      const { region } = begin();
      let dropped = 0;
      for (let n = 1; n <= 1_010; n++) {
        const applied = await region.apply([lateParcel(n, [n])]);
        if (!("moved" in applied)) dropped += applied.outlets?.lateDropped ?? 0;
        await region.demand();
      }
      const { rows } = sql.exec<{ rows: number }>("SELECT count(*) AS rows FROM late").one();
      expect(rows).toBe(1_000);
      const last = await region.apply([]);
      expect("moved" in last ? null : last.outlets).toMatchObject({ lateDepth: 1_000 });
      expect(dropped + ("moved" in last ? 0 : (last.outlets?.lateDropped ?? 0))).toBe(10);
    }));

  it("that fill more than a message come in several, each whole", () =>
    inRegion("nyc-161", async (begin) => {
      const { region, late } = begin();
      const keys = Array.from({ length: 5_000 }, (_, n) => n);
      await region.apply([lateParcel(1, keys), lateParcel(2, keys), lateParcel(3, keys)]);
      await untilStored();
      expect(late.length).toBeGreaterThan(2);
      expect(late.every(({ events }) => events.byteLength <= 120_000)).toBe(true);
      expect(keysOf(late)).toHaveLength(15_000);
    }));
});
