/** An outbox whose queue, store, disk or alarm fails it: it goes on sending, and loses nothing. */
import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { consoleLog } from "../../../contract/log.ts";
import type { RegionId } from "../../../domain/units.ts";
import { CountedSql } from "../../../workers/ingest/counted-sql.ts";
import { EventLogWriter } from "../../../workers/ingest/event-log-writer.ts";
import { HeldParcels } from "../../../workers/ingest/held-parcels.ts";
import { OutboxStore } from "../../../workers/ingest/outbox-store.ts";
import { ParcelDispatcher } from "../../../workers/ingest/parcel-dispatcher.ts";
import { StoredBatches } from "../../../workers/ingest/stored-batches.ts";
import { batchOf, eventsIn, inOutbox, numbersOf, SEGMENT_AFTER_MS, START } from "./outbox-life.ts";

beforeEach(() => reset());

describe("an outbox", () => {
  it("sends within seconds of a queue's return, however long it was away", () =>
    inOutbox(async (begin) => {
      const life = begin();
      life.queueIsDown = true;
      await life.append(batchOf(6));
      for (; life.now < START + 300_000; life.now += 2_500) expect(await life.taken()).toEqual([]);
      life.queueIsDown = false;
      life.now += 8_000;
      expect(eventsIn(await life.taken())).toBe(6);
    }));

  it("gives up on a queue that does not answer, and sends again", () =>
    inOutbox(async (begin) => {
      const life = begin();
      life.queueIsSilent = true;
      await life.append(batchOf(2));
      await vi.advanceTimersByTimeAsync(250);
      life.queueIsSilent = false;
      await vi.advanceTimersByTimeAsync(15_000);
      life.now += 16_000;
      expect(eventsIn(await life.taken())).toBe(2);
    }));

  it("sends again what is not confirmed while the store of the event log is silent", () =>
    inOutbox(async (begin) => {
      const life = begin();
      await life.append(batchOf(3));
      expect(numbersOf(await life.taken())).toEqual([1]);
      life.eventLog.mode = "hangs";
      life.now += SEGMENT_AFTER_MS;
      expect(numbersOf(await life.passed(life.taken()))).toEqual([1]);
      life.now += 10_000;
      expect(numbersOf(await life.passed(life.taken()))).toEqual([1]);
    }));

  it("has an alarm set in each life that finds something stored", () =>
    inOutbox(async (begin, { storage }) => {
      await begin().append(batchOf(1));
      await storage.deleteAlarm();
      begin();
      await vi.advanceTimersByTimeAsync(1);
      expect(await storage.getAlarm()).not.toBeNull();
    }));
});

describe("the parts of an outbox", () => {
  it("let no parcel leave before its dispatch is on disk", () =>
    inOutbox(async (_, { storage }) => {
      const sql = new CountedSql(storage.sql);
      const batches = new StoredBatches(sql);
      const rows = new OutboxStore(sql);
      const held = new HeldParcels(sql);
      const contents = rows.load(1, batches);
      const disk = Promise.withResolvers<void>();
      let sent = 0;
      const dispatcher = new ParcelDispatcher(
        {
          ...{ outbox: "outbox-0", epoch: 1, rows, batches, held },
          queue: {
            sendBatch: async () => {
              sent++;
            },
          },
          flush: () => disk.promise,
          wallNow: () => START,
          together: (work) => storage.transactionSync(work),
          onConfirmed: () => undefined,
          log: consoleLog("test", () => START),
        },
        contents,
      );
      batches.append(batchOf(1));
      const working = dispatcher.work();
      await new Promise((resolve) => setImmediate(resolve));
      expect(sent).toBe(0);
      disk.resolve();
      await working;
      expect(sent).toBe(1);
    }));

  it("leave no gap in the event log where a segment could not be stored", () =>
    inOutbox(async (_, { storage }) => {
      const sql = new CountedSql(storage.sql);
      const batches = new StoredBatches(sql);
      const rows = new OutboxStore(sql);
      const contents = rows.load(1, batches);
      const keys: string[] = [];
      let now = START;
      const writer = new EventLogWriter(
        {
          ...{ writer: "outbox-0-1", rows, batches, segmentAfterMs: 0 },
          segments: {
            put: async (key) => {
              keys.push(key);
            },
          },
          flush: async () => undefined,
          wallNow: () => now,
          onWritten: () => undefined,
          log: consoleLog("test", () => START),
        },
        contents,
      );
      const batch = batchOf(1);
      batches.append(batch);
      writer.appended(batch.byteLength);
      vi.spyOn(rows, "beginSegment").mockImplementationOnce(() => {
        throw new Error("the disk is full");
      });
      await writer.work();
      expect([keys, writer.failures]).toEqual([[], 1]);
      now += 1_000;
      await writer.work();
      expect(keys).toEqual(["log/outbox-0-1/000000000001"]);
    }));

  it("hold all parcels of a dispatch or none", () =>
    inOutbox(async (_, { storage }) => {
      const held = new HeldParcels(new CountedSql(storage.sql));
      const parcels = [1, 2].map((number) => ({
        ...{ number, regionId: "nyc-161" as RegionId, message: new Uint8Array(20) },
      }));
      const together = (work: () => void) => storage.transactionSync(work);
      expect(() =>
        held.hold(parcels, (work) =>
          together(() => {
            work();
            throw new Error("the disk is full");
          }),
        ),
      ).toThrow("the disk is full");
      expect([held.bytes, held.takeDue(START, 1, 1_000)]).toEqual([0, []]);
      held.hold(parcels, together);
      expect(held.bytes).toBe(40);
      expect(held.takeDue(START, 1, 1_000)).toHaveLength(1);
    }));
});
