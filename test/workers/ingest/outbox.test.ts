import {
  evictDurableObject,
  reset,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import fc from "fast-check";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { BatchPacker } from "../../../contract/event-batch.ts";
import { type Parcel, parcelOf } from "../../../contract/parcel.ts";
import type { DemandEvent } from "../../../domain/event.ts";
import type { EpochMs, RegionId } from "../../../domain/units.ts";
import { composeParcels } from "../../../workers/ingest/compose-parcels.ts";
import { OutboxObject } from "../../../workers/ingest/outbox.ts";
import { demandEvent } from "../../support/region-deliveries.ts";
import { eventsOf, storedEvents } from "./stored-events.ts";

beforeEach(() => reset());

let sequence = 0;
const packer = new BatchPacker();
/** A batch of `count` events of a region, none of which was made before. */
function batchOf(count: number, region = "nyc-161", metadata = ""): Uint8Array<ArrayBuffer> {
  for (let i = 0; i < count; i++) {
    packer.add(demandEvent(sequence++, { regionId: region as RegionId, metadata }));
  }
  return packer.finish(sequence as EpochMs);
}

const keyOf = ({ keyHigh, keyLow }: DemandEvent) => `${keyHigh}-${keyLow}`;

/** So far ahead that the alarms set by it never ring here: the test rings them. */
const START = Date.UTC(2090, 0, 1);
/** Longer than appended batches wait for others, shorter than until they are sent. */
const COMMITTED_AFTER_MS = 10;

/** One life of an outbox over the storage of a real one, with a queue and a clock that the test holds. */
class Life {
  readonly outbox: OutboxObject;
  /** Made by the real object in its first life. */
  readonly epoch: number;
  /** Parcels sent, oldest first. */
  sent: Parcel[] = [];
  queueIsDown = false;
  now: number;

  constructor(state: DurableObjectState, now: number) {
    vi.clearAllTimers();
    this.now = now;
    const { sql } = state.storage;
    this.epoch = sql.exec<{ epoch: number }>("SELECT epoch FROM identity").one().epoch;
    this.outbox = new OutboxObject(state, env, {
      queue: {
        sendBatch: async (messages) => {
          if (this.queueIsDown) throw new Error("the queue is down");
          for (const { body } of messages) {
            const parcel = parcelOf(body);
            if (!parcel) throw new Error("no parcel was sent");
            this.sent.push(parcel);
          }
        },
      },
      wallNow: () => this.now as EpochMs,
      newEpoch: () => 77,
    });
  }

  /** Appends all of them at once. */
  async append(...batches: Uint8Array[]): Promise<string[]> {
    const outcomes = Promise.all(batches.map((batch) => this.outbox.append(batch)));
    await vi.advanceTimersByTimeAsync(COMMITTED_AFTER_MS);
    return outcomes;
  }

  /** What was sent since the last call, after everything that waits has gone out. */
  async taken(): Promise<Parcel[]> {
    await this.outbox.alarm();
    const { sent } = this;
    this.sent = [];
    return sent;
  }
}

/** Runs a test inside the storage of an outbox; `begin` ends the life before, its timers with it, and starts another. */
function inOutbox(test: (begin: (now?: number) => Life) => Promise<void>): Promise<void> {
  const stub = env.OUTBOX.getByName("outbox-0");
  return runInDurableObject(stub, async (_, state) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      await test((now = START) => new Life(state, now));
    } finally {
      vi.clearAllTimers();
      vi.useRealTimers();
      // Nothing may be due when the test has ended.
      await state.storage.deleteAlarm();
    }
  });
}

const eventsIn = (parcels: readonly Parcel[]) => parcels.reduce((sum, { count }) => sum + count, 0);
const numbersOf = (parcels: readonly Parcel[]) => parcels.map(({ number }) => number);

describe("an outbox", () => {
  it("stores what is appended at the same time as one row, and answers when it is stored", () =>
    inOutbox(async (begin) => {
      const life = begin();
      const batches = Array.from({ length: 40 }, () => batchOf(5));
      const outcomes = await life.append(...batches);
      expect(new Set(outcomes)).toEqual(new Set(["stored"]));
      const parcels = await begin().taken();
      expect(eventsIn(parcels)).toBe(200);
      expect(parcels).toHaveLength(1);
    }));

  it("sends the events of a region together, numbered, and names what is not confirmed", () =>
    inOutbox(async (begin) => {
      const life = begin();
      await life.append(batchOf(3, "nyc-161"));
      await life.append(batchOf(2, "nyc-234"));
      await life.append(batchOf(4, "nyc-161"));
      const parcels = await life.taken();
      expect(parcels).toMatchObject([
        {
          regionId: "nyc-161",
          count: 7,
          number: 1,
          lowWater: 1,
          outbox: "outbox-0",
          epoch: life.epoch,
        },
        { regionId: "nyc-234", count: 2, number: 2, lowWater: 1 },
      ]);
      await life.append(batchOf(1));
      await life.outbox.confirm(life.epoch, [1]);
      expect(await life.taken()).toMatchObject([{ number: 3, lowWater: 2 }]);
      await life.outbox.confirm(life.epoch, [2, 3]);
      await life.append(batchOf(1));
      expect(await life.taken()).toMatchObject([{ number: 4, lowWater: 4 }]);
    }));

  it("composes parcels the same in another life, and goes on with numbers never used", () =>
    inOutbox(async (begin) => {
      const first = begin();
      await first.append(...["a", "b", "c"].map((region) => batchOf(9, region)));
      const before = await first.taken();
      await first.outbox.confirm(first.epoch, [2]);
      const second = begin();
      await second.append(batchOf(1, "d"));
      const again = await second.taken();
      const resent = again.filter(({ number }) => number <= 3);
      const unread = ({ lowWater: _, events, ...rest }: Parcel) => ({
        ...rest,
        events: [...events],
      });
      // Confirmations are not stored one by one, so the second parcel is among them.
      expect(resent.map(unread)).toEqual(before.map(unread));
      expect(numbersOf(again)).toEqual([1, 2, 3, 4]);
    }));

  it("sends again what is not confirmed, later each time, and nothing that is", () =>
    inOutbox(async (begin) => {
      const life = begin();
      await life.append(batchOf(1, "a"));
      await life.append(batchOf(1, "b"));
      expect(numbersOf(await life.taken())).toEqual([1, 2]);
      const sentAt: number[] = [];
      for (; life.now < START + 60_000; life.now += 1_000) {
        if ((await life.taken()).length > 0) sentAt.push(life.now - START);
      }
      expect(sentAt).toEqual([5_000, 15_000, 35_000]);
      await life.outbox.confirm(life.epoch, [1]);
      life.now += 200_000;
      expect(numbersOf(await life.taken())).toEqual([2]);
      await life.outbox.confirm(life.epoch, [2]);
      life.now += 200_000;
      expect(await life.taken()).toEqual([]);
      expect(await begin().taken()).toEqual([]);
    }));

  it("keeps what it could not send while the queue is down", () =>
    inOutbox(async (begin) => {
      const life = begin();
      life.queueIsDown = true;
      await life.append(batchOf(6));
      expect(await life.taken()).toEqual([]);
      life.queueIsDown = false;
      life.now += 5_000;
      expect(eventsIn(await life.taken())).toBe(6);
    }));

  it("ignores confirmations of another epoch", () =>
    inOutbox(async (begin) => {
      const life = begin();
      await life.append(batchOf(1));
      await life.taken();
      await life.outbox.confirm(life.epoch + 1, [1]);
      expect(numbersOf(await begin(START + 10_000).taken())).toEqual([1]);
    }));

  it("goes on where it was when a restart finds nothing stored", () =>
    inOutbox(async (begin) => {
      const first = begin();
      await first.append(batchOf(1));
      await first.outbox.confirm(first.epoch, numbersOf(await first.taken()));
      const second = begin();
      expect(await second.taken()).toEqual([]);
      await second.append(batchOf(2));
      expect(await second.taken()).toMatchObject([{ number: 2, count: 2 }]);
    }));

  it("loses nothing and repeats no number, whenever it is restarted and whatever is confirmed", async () => {
    const step = fc.oneof(
      fc.record({
        kind: fc.constant("append" as const),
        count: fc.integer({ min: 1, max: 20 }),
        region: fc.nat({ max: 3 }),
      }),
      fc.record({ kind: fc.constant("send" as const) }),
      fc.record({
        kind: fc.constant("confirm" as const),
        share: fc.constantFrom(0.3, 0.7, 1, 1),
      }),
      fc.record({ kind: fc.constant("restart" as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        await reset();
        await inOutbox(async (begin) => {
          let life = begin();
          const appended = new Set<string>();
          const applied = new Map<number, string[]>();
          const unconfirmed = new Set<number>();
          const receive = (parcels: readonly Parcel[]) => {
            for (const { number, regionId, events, count, receivedAt } of parcels) {
              const keys = eventsOf(sectionBatch(regionId, events, count, receivedAt)).map(keyOf);
              // A number that comes again is the same parcel.
              expect(applied.get(number) ?? keys).toEqual(keys);
              applied.set(number, keys);
              unconfirmed.add(number);
            }
          };
          for (const one of steps) {
            if (one.kind === "append") {
              const batch = batchOf(one.count, `r-${one.region}`);
              for (const event of eventsOf(batch)) appended.add(keyOf(event));
              await life.append(batch);
            } else if (one.kind === "send") {
              life.now += 100_000;
              receive(await life.taken());
            } else if (one.kind === "confirm") {
              const numbers = [...unconfirmed].slice(0, Math.ceil(one.share * unconfirmed.size));
              for (const number of numbers) unconfirmed.delete(number);
              await life.outbox.confirm(life.epoch, numbers);
            } else {
              life = begin(life.now);
            }
          }
          life.now += 100_000;
          receive(await life.taken());
          const keys = [...applied.values()].flat();
          expect(new Set(keys)).toEqual(appended);
          expect(keys).toHaveLength(appended.size);
        });
      }),
      { numRuns: 40 },
    );
  });

  it("sets aside the parcels of a region that takes none, and goes on with the others", () =>
    inOutbox(async (begin) => {
      const life = begin();
      const broken: number[] = [];
      const reached = new Set<string>();
      for (let round = 0; round < 120; round++) {
        await life.append(batchOf(1, "broken"));
        await life.append(batchOf(1, `fine-${round}`));
        const parcels = await life.taken();
        for (const { regionId, number } of parcels) {
          if (regionId === "broken") broken.push(number);
          else reached.add(regionId);
        }
        const fine = parcels.filter(({ regionId }) => regionId !== "broken");
        await life.outbox.confirm(life.epoch, numbersOf(fine));
        life.now += 1_000;
      }
      // Without setting aside, nothing would have gone out once 64 dispatches waited for the region.
      expect(reached.size).toBe(120);
      const other = begin(life.now + 100_000);
      const resent: number[] = [];
      for (let i = 0; i < 3; i++) {
        const parcels = await other.taken();
        resent.push(...numbersOf(parcels.filter(({ regionId }) => regionId === "broken")));
        if (i === 0) expect(parcels.every(({ lowWater }) => lowWater === 1)).toBe(true);
        await other.outbox.confirm(other.epoch, numbersOf(parcels));
      }
      expect(new Set(resent)).toEqual(new Set(broken));
      other.now += 1_000_000;
      expect(await other.taken()).toEqual([]);
    }));

  it("answers full before it holds more than it may, and takes more once some was confirmed", () =>
    inOutbox(async (begin) => {
      const life = begin();
      const large = batchOf(330, "nyc-161", "x".repeat(4_000));
      expect(large.byteLength).toBeGreaterThan(1_300_000);
      let stored = 0;
      while ((await life.append(large))[0] === "stored") stored++;
      const bytes = stored * large.byteLength;
      expect(bytes).toBeLessThanOrEqual(512 * 1024 * 1024);
      expect(bytes + large.byteLength).toBeGreaterThan(512 * 1024 * 1024);
      const parcels = await life.taken();
      await life.outbox.confirm(life.epoch, numbersOf(parcels));
      expect(await life.append(large)).toEqual(["stored"]);
    }));
});

describe("a real outbox", () => {
  it("has everything after an eviction that it had answered for, and its alarm sends it", async () => {
    const stub = env.OUTBOX.getByName("outbox-1");
    expect(await stub.append(batchOf(5))).toBe("stored");
    await evictDurableObject(stub);
    expect(await storedEvents()).toHaveLength(5);
    await runDurableObjectAlarm(stub);
    const dispatched = () =>
      runInDurableObject(stub, (_, state) =>
        state.storage.sql.exec<{ n: number }>("SELECT count(*) AS n FROM dispatches").one(),
      );
    expect(await dispatched()).toEqual({ n: 1 });
    await evictDurableObject(stub);
    // Not confirmed by anyone, so still there, and the alarm still set.
    expect(await storedEvents()).toHaveLength(5);
    expect(await runInDurableObject(stub, (_, state) => state.storage.getAlarm())).not.toBeNull();
  });
});

describe("composeParcels()", () => {
  it("keeps every event, in order, in parcels that fit a message, the same each time", () => {
    const sizes = fc.array(
      fc.record({
        region: fc.nat({ max: 2 }),
        count: fc.integer({ min: 1, max: 60 }),
        metadata: fc.integer({ min: 0, max: 4_000 }),
      }),
      { minLength: 1, maxLength: 20 },
    );
    fc.assert(
      fc.property(sizes, (drawn) => {
        const batches = drawn.map(({ region, count, metadata }) =>
          batchOf(count, `r-${region}`, "x".repeat(metadata)),
        );
        const parcels = composeParcels(batches);
        expect(composeParcels(batches)).toEqual(parcels);
        for (const region of ["r-0", "r-1", "r-2"]) {
          const sent = batches.flatMap(eventsOf).filter(({ regionId }) => regionId === region);
          const packed = parcels
            .filter(({ regionId }) => regionId === region)
            .flatMap(({ stretches, count, byteLength, receivedAt, regionId }) => {
              const bytes = Buffer.concat(stretches);
              expect(bytes.byteLength).toBe(byteLength);
              expect(byteLength).toBeLessThanOrEqual(120_000);
              const events = eventsOf(sectionBatch(regionId, bytes, count, receivedAt));
              expect(events).toHaveLength(count);
              return events;
            });
          expect(packed.map(keyOf)).toEqual(sent.map(keyOf));
        }
      }),
      { numRuns: 50 },
    );
  });
});

/** Packed events of one region as a batch, so that they can be read like one. */
function sectionBatch(regionId: RegionId, bytes: Uint8Array, count: number, receivedAt: EpochMs) {
  const head = Buffer.alloc(1 + 8 + 4 + 1 + regionId.length + 8);
  let at = head.writeUInt8(1, 0);
  at = head.writeDoubleLE(receivedAt, at);
  at = head.writeUInt32LE(1 + regionId.length + 8 + bytes.byteLength, at);
  at = head.writeUInt8(regionId.length, at);
  at += head.write(regionId, at, "latin1");
  at = head.writeUInt32LE(count, at);
  head.writeUInt32LE(bytes.byteLength, at);
  return new Uint8Array(Buffer.concat([head, bytes]));
}
