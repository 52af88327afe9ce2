import { evictDurableObject, reset, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import fc from "fast-check";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { segmentMetadataOf } from "../../../contract/event-log.ts";
import { LOG_RECORD_KIND, logRecordsOf, writeLogRecord } from "../../../contract/log-records.ts";
import type { Parcel } from "../../../contract/parcel.ts";
import { ByteWriter } from "../../../domain/bytes.ts";
import { ALL_SLICES } from "../../../domain/slices.ts";
import type { EpochMs } from "../../../domain/units.ts";
import { batchOf, eventsIn, inOutbox, keyOf, numbersOf, SEGMENT_AFTER_MS } from "./outbox-life.ts";
import { eventsOf, packedEventsOf } from "./stored-events.ts";

beforeEach(() => reset());

let signals = 0;
/** A record of demand signals, none of which was made before. */
function signalRecord(): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  const payload = new TextEncoder().encode(JSON.stringify([{ revision: signals++ }]));
  writeLogRecord(writer, { kind: LOG_RECORD_KIND.demandSignals, at: signals as EpochMs, payload });
  return writer.copy();
}

/** What a batch of about 1.3 MB is made of. */
const LARGE = "x".repeat(4_000);

describe("the event log of an outbox", () => {
  it("has everything in order, in one segment where little comes", () =>
    inOutbox(async (begin) => {
      const life = begin();
      const records = [batchOf(3, "a"), signalRecord(), batchOf(2, "b")];
      for (const one of records) await life.append(one);
      await life.outbox.alarm();
      expect(life.eventLog.puts).toEqual([]);
      await life.logged();
      expect(life.eventLog.puts).toEqual([`log/outbox-0-${life.epoch}/000000000001`]);
      expect(life.eventLog.bytes).toEqual(new Uint8Array(Buffer.concat(records)));
      await life.append(batchOf(1));
      await life.logged();
      expect(life.eventLog.puts).toHaveLength(2);
    }));

  it("does not wait for its time when much comes", () =>
    inOutbox(async (begin) => {
      const life = begin();
      for (let n = 0; n < 7; n++) await life.append(batchOf(330, "a", LARGE));
      expect(life.eventLog.puts).toHaveLength(1);
      expect(life.eventLog.bytes.byteLength).toBeGreaterThanOrEqual(4 * 1024 * 1024);
    }));

  it("puts a segment again as it was, when its answer was lost and whatever came meanwhile", () =>
    inOutbox(async (begin) => {
      const life = begin();
      life.eventLog.mode = "loses answers";
      await life.append(batchOf(3));
      await life.logged();
      expect(life.eventLog.puts).toHaveLength(1);
      await life.append(batchOf(4));
      life.eventLog.mode = "works";
      const next = begin(life.now);
      await next.outbox.alarm();
      await next.logged();
      const key = `log/outbox-0-${life.epoch}/00000000000`;
      expect(life.eventLog.puts).toEqual([`${key}1`, `${key}1`, `${key}2`]);
      expect(eventsOf(life.eventLog.bytes)).toHaveLength(7);
    }));

  it("holds up neither appends nor dispatches while the store is silent or down", () =>
    inOutbox(async (begin) => {
      for (const mode of ["hangs", "down"] as const) {
        const life = begin();
        life.eventLog.mode = mode;
        for (let n = 0; n < 8; n++) {
          expect(await life.append(batchOf(330, `${mode}-${n}`, LARGE))).toEqual(["stored"]);
        }
        await vi.advanceTimersByTimeAsync(250);
        const regions = new Set(life.sent.map(({ regionId }) => regionId));
        expect(regions.size).toBeGreaterThanOrEqual(8);
      }
    }));

  it("gives up on a put that is not answered, and repeats it", () =>
    inOutbox(async (begin) => {
      const life = begin();
      life.eventLog.mode = "hangs";
      await life.append(batchOf(1));
      life.now += SEGMENT_AFTER_MS;
      const alarm = life.outbox.alarm();
      for (let s = 0; s < 31; s++) {
        await new Promise((resolve) => setImmediate(resolve));
        await vi.advanceTimersByTimeAsync(1_000);
      }
      await alarm;
      life.eventLog.mode = "works";
      await life.logged();
      expect(life.eventLog.puts).toHaveLength(1);
    }));

  it("forgets nothing that only one of regions and log has", () =>
    inOutbox(async (begin, { storage }) => {
      const rows = () =>
        storage.sql.exec<{ n: number }>("SELECT count(*) AS n FROM batches").one().n;
      const life = begin();
      life.eventLog.mode = "down";
      await life.append(batchOf(2));
      const parcels = await life.taken();
      await life.outbox.confirm(life.epoch, numbersOf(parcels));
      await life.logged();
      expect(await life.outbox.status()).toMatchObject({
        depth: { batches: 1 },
        segmentFailures: 1,
      });
      life.eventLog.mode = "works";
      await life.logged();
      expect(rows()).toBe(0);
      await life.append(batchOf(2));
      await life.taken();
      await life.logged();
      expect(eventsOf(life.eventLog.bytes)).toHaveLength(4);
      expect(rows()).toBe(1);
      // Nobody confirmed it.
      expect(eventsIn(await begin(life.now).taken())).toBe(2);
    }));

  it("takes nothing that is no whole records", () =>
    inOutbox(async (begin) => {
      const life = begin();
      await expect(life.outbox.append(batchOf(5).slice(0, -1))).rejects.toThrow("no whole log");
      expect(await life.outbox.status()).toMatchObject({ depth: { batches: 0, bytes: 0 } });
    }));

  it("has each record once and in order, and each region each event once, whatever fails and whenever it is restarted", async () => {
    const step = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ kind: fc.constant("append" as const), count: fc.nat(20) }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ kind: fc.constant("alarm" as const), ms: fc.nat(9_000) }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("timers" as const) }) },
      {
        weight: 3,
        arbitrary: fc.record({
          kind: fc.constant("confirm" as const),
          share: fc.constantFrom(0.3, 0.7, 1),
          slices: fc.constantFrom(ALL_SLICES, 0x00ff, 0xff00),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({
          kind: fc.constant("log" as const),
          mode: fc.constantFrom("works" as const, "down" as const, "loses answers" as const),
        }),
      },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant("restart" as const) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        await reset();
        await inOutbox(async (begin) => {
          let life = begin();
          const appended: Uint8Array[] = [];
          const applied = new Map<number, string[]>();
          const unconfirmed = new Map<number, number>();
          const receive = (parcels: readonly Parcel[]) => {
            for (const { number, regionId, events } of parcels) {
              const keys = packedEventsOf(regionId, events).map(keyOf);
              expect(applied.get(number) ?? keys).toEqual(keys);
              applied.set(number, keys);
              unconfirmed.set(number, unconfirmed.get(number) ?? ALL_SLICES);
            }
          };
          for (const one of steps) {
            if (one.kind === "append") {
              const record =
                one.count === 0 ? signalRecord() : batchOf(one.count, `r-${one.count % 3}`);
              appended.push(record);
              expect(await life.append(record)).toEqual(["stored"]);
            } else if (one.kind === "alarm") {
              life.now += one.ms;
              receive(await life.taken());
            } else if (one.kind === "timers") {
              await vi.advanceTimersByTimeAsync(250);
              receive(life.sent.splice(0));
            } else if (one.kind === "confirm") {
              const numbers = [...unconfirmed.keys()].slice(
                0,
                Math.ceil(one.share * unconfirmed.size),
              );
              for (const number of numbers) {
                const left = (unconfirmed.get(number) ?? 0) & ~one.slices;
                if (left === 0) unconfirmed.delete(number);
                else unconfirmed.set(number, left);
              }
              await life.outbox.confirm(life.epoch, numbers, one.slices);
            } else if (one.kind === "log") {
              life.eventLog.mode = one.mode;
            } else {
              life = begin(life.now);
            }
          }
          life.eventLog.mode = "works";
          life = begin(life.now + 100_000);
          receive(await life.taken());
          await life.outbox.confirm(life.epoch, [...applied.keys()]);
          await life.logged();
          expect(life.eventLog.bytes).toEqual(new Uint8Array(Buffer.concat(appended)));
          expect(life.eventLog.changed).toEqual([]);
          const keys = [...applied.values()].flat();
          const batches = appended.filter((record) => record[0] === LOG_RECORD_KIND.events);
          const sent = batches.flatMap((batch) => eventsOf(new Uint8Array(batch)).map(keyOf));
          expect(new Set(keys)).toEqual(new Set(sent));
          expect(keys).toHaveLength(sent.length);
          const { depth, logLag } = await life.outbox.status();
          expect([depth.bytes, logLag.bytes]).toEqual([0, 0]);
        });
      }),
      { numRuns: 60 },
    );
  });
});

describe("a real outbox", () => {
  it("writes segments to its bucket by its alarm, with what is in them beside them", async () => {
    const stub = env.OUTBOX.getByName("outbox-1");
    const batch = batchOf(5);
    expect(await stub.append(batch)).toBe("stored");
    await evictDurableObject(stub);
    const [found] = await vi.waitFor(
      async () => {
        const { objects } = await env.EVENT_LOG.list({
          prefix: "log/",
          include: ["customMetadata"],
        });
        expect(objects).toHaveLength(1);
        return objects;
      },
      { timeout: 15_000, interval: 200 },
    );
    expect(found?.key).toMatch(/^log\/outbox-1-\d+\/0{11}1$/);
    const object = await env.EVENT_LOG.get(found?.key ?? "");
    const bytes = new Uint8Array((await object?.arrayBuffer()) ?? []);
    expect(bytes).toEqual(batch);
    expect(found?.customMetadata).toEqual(segmentMetadataOf(batch));
    expect(found?.customMetadata?.records).toBe("1");
    await runInDurableObject(stub, (_, state) => state.storage.deleteAlarm());
  });
});

describe("logRecordsOf()", () => {
  it("gives back every record that was written, whatever its kind", () => {
    const records = fc.array(
      fc.record({
        kind: fc.integer({ min: 0, max: 255 }),
        at: fc.integer({ min: 0, max: 4e12 }).map((at) => at as EpochMs),
        payload: fc.uint8Array({ maxLength: 300 }),
      }),
    );
    fc.assert(
      fc.property(records, (written) => {
        const writer = new ByteWriter();
        for (const record of written) writeLogRecord(writer, record);
        const read = [...logRecordsOf(writer.copy())].map(({ bytes: _, ...record }) => record);
        expect(read).toEqual(written);
        if (writer.length === 0) return;
        expect(() => [...logRecordsOf(writer.copy().slice(0, -1))]).toThrow(RangeError);
      }),
    );
  });
});
