import {
  evictDurableObject,
  reset,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import type { Parcel } from "../../../contract/parcel.ts";
import {
  batchOf,
  eventsIn,
  inOutbox,
  keyOf,
  MAX_STORED_BYTES,
  numbersOf,
  START,
} from "./outbox-life.ts";
import { eventsOf, packedEventsOf, storedEvents } from "./stored-events.ts";

beforeEach(() => reset());

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

  it("sends a parcel again until each of its slices is confirmed, held or not", () =>
    inOutbox(async (begin) => {
      const life = begin();
      await life.append(batchOf(1));
      expect(numbersOf(await life.taken())).toEqual([1]);
      await life.outbox.confirm(life.epoch, [1], 0x00ff);
      await life.outbox.confirm(life.epoch, [1], 0x0f0f);
      life.now += 10_000;
      expect(await life.taken()).toMatchObject([{ number: 1, lowWater: 1 }]);
      await life.outbox.confirm(life.epoch, [1], 0xf000);
      life.now += 100_000;
      expect(await life.taken()).toEqual([]);

      const held = () => life.outbox.status().then((status) => status.held.length);
      for (let round = 0; round < 120 && (await held()) === 0; round++) {
        await life.append(batchOf(1, "split"), batchOf(1, "fine"));
        const parcels = await life.taken();
        const fine = parcels.filter(({ regionId }) => regionId === "fine");
        await life.outbox.confirm(life.epoch, numbersOf(fine));
        life.now += 1_000;
      }
      const [first] = (await life.outbox.status()).held;
      const waiting = first?.parcels ?? 0;
      life.now += 100_000;
      const oldest = Math.min(...numbersOf(await life.taken()));
      await life.outbox.confirm(life.epoch, [oldest], 0xfffe);
      expect((await life.outbox.status()).held).toMatchObject([{ parcels: waiting }]);
      await life.outbox.confirm(life.epoch, [oldest], 0x0001);
      const { held: left } = await life.outbox.status();
      expect(left[0]?.parcels ?? 0).toBe(waiting - 1);
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
      await first.logged();
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
            for (const { number, regionId, events, count } of parcels) {
              const keys = packedEventsOf(regionId, events).map(keyOf);
              expect(keys).toHaveLength(count);
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
      const perRound: number[] = [];
      for (let parcels = await other.taken(); parcels.length > 0; parcels = await other.taken()) {
        const late = numbersOf(parcels.filter(({ regionId }) => regionId === "broken"));
        if (perRound.length === 0) expect(parcels[0]?.lowWater).toBe(1);
        perRound.push(late.length);
        resent.push(...late);
        await other.outbox.confirm(other.epoch, numbersOf(parcels));
      }
      expect(perRound.length).toBeLessThan(12);
      expect(new Set(resent)).toEqual(new Set(broken));
      other.now += 1_000_000;
      expect(await other.taken()).toEqual([]);
    }));

  it("answers full before it holds more than it may, and takes more once some was confirmed", () =>
    inOutbox(async (begin) => {
      const life = begin();
      life.eventLog.mode = "down";
      const large = batchOf(330, "nyc-161", "x".repeat(4_000));
      expect(large.byteLength).toBeGreaterThan(1_300_000);
      let stored = 0;
      while ((await life.append(large))[0] === "stored") stored++;
      const bytes = stored * large.byteLength;
      expect(bytes).toBeLessThanOrEqual(MAX_STORED_BYTES);
      expect(bytes + large.byteLength).toBeGreaterThan(MAX_STORED_BYTES);
      const parcels = await life.taken();
      await life.outbox.confirm(life.epoch, numbersOf(parcels));
      // The event log has none of it yet.
      expect(await life.append(large)).toEqual(["full"]);
      life.eventLog.mode = "works";
      await life.logged();
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
