/** An outbox over the storage of a real one, with a queue, an event log and a clock that the test holds. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import { BatchPacker } from "../../../contract/event-batch.ts";
import { type Parcel, parcelOf } from "../../../contract/parcel.ts";
import type { DemandEvent } from "../../../domain/event.ts";
import type { EpochMs, RegionId } from "../../../domain/units.ts";
import { OutboxObject } from "../../../workers/ingest/outbox.ts";
import { demandEvent } from "../../support/region-deliveries.ts";

let sequence = 0;
const packer = new BatchPacker();
/** A batch of `count` events of a region, none of which was made before. */
export function batchOf(count: number, region = "nyc-161", metadata = ""): Uint8Array<ArrayBuffer> {
  for (let i = 0; i < count; i++) {
    packer.add(demandEvent(sequence++, { regionId: region as RegionId, metadata }));
  }
  return packer.finish(sequence as EpochMs);
}

export const keyOf = ({ keyHigh, keyLow }: DemandEvent) => `${keyHigh}-${keyLow}`;
export const numbersOf = (parcels: readonly Parcel[]) => parcels.map(({ number }) => number);
export const eventsIn = (parcels: readonly Parcel[]) =>
  parcels.reduce((sum, { count }) => sum + count, 0);

/** So far ahead that the alarms set by it never ring here: the test rings them. */
export const START = Date.UTC(2090, 0, 1);
export const MAX_STORED_BYTES = 32 * 1024 * 1024;
/** Until records are written to the event log in these tests. */
export const SEGMENT_AFTER_MS = 5_000;

/** Object storage that outlives the lives of an outbox. */
export class TestLog {
  readonly segments = new Map<string, Uint8Array>();
  /** Every put, repeated ones too. */
  readonly puts: string[] = [];
  /** Segments that were put again with other bytes. */
  readonly changed: string[] = [];
  mode: "works" | "down" | "loses answers" | "hangs" = "works";

  async put(key: string, bytes: Uint8Array): Promise<void> {
    if (this.mode === "down") throw new Error("the store is down");
    if (this.mode === "hangs") return new Promise(() => undefined);
    const known = this.segments.get(key);
    if (known && Buffer.compare(known, bytes) !== 0) this.changed.push(key);
    this.segments.set(key, bytes.slice());
    this.puts.push(key);
    if (this.mode === "loses answers") throw new Error("the connection was lost");
  }

  /** Everything in the log, in order. Throws where a segment is missing. */
  get bytes(): Uint8Array<ArrayBuffer> {
    const keys = [...this.segments.keys()].sort();
    for (const [i, key] of keys.entries()) {
      if (Number(key.slice(-12)) !== i + 1) throw new Error(`a segment is missing before ${key}`);
    }
    return new Uint8Array(
      Buffer.concat(keys.map((key) => this.segments.get(key) ?? new Uint8Array())),
    );
  }
}

/** One life of an outbox. */
export class Life {
  readonly outbox: OutboxObject;
  readonly eventLog: TestLog;
  /** Made by the real object in its first life. */
  readonly epoch: number;
  /** Parcels sent, oldest first. */
  sent: Parcel[] = [];
  queueIsDown = false;
  /** It takes nothing and says nothing. */
  queueIsSilent = false;
  now: number;

  constructor(state: DurableObjectState, now: number, eventLog: TestLog) {
    vi.clearAllTimers();
    this.now = now;
    this.eventLog = eventLog;
    const { sql } = state.storage;
    this.epoch = sql.exec<{ epoch: number }>("SELECT epoch FROM identity").one().epoch;
    this.outbox = new OutboxObject(state, env, {
      queue: {
        sendBatch: async (messages) => {
          if (this.queueIsDown) throw new Error("the queue is down");
          if (this.queueIsSilent) return new Promise(() => undefined);
          for (const { body } of messages) {
            const parcel = parcelOf(body);
            if (!parcel) throw new Error("no parcel was sent");
            this.sent.push(parcel);
          }
        },
      },
      segments: eventLog,
      segmentAfterMs: SEGMENT_AFTER_MS,
      maxStoredBytes: MAX_STORED_BYTES,
      wallNow: () => this.now as EpochMs,
      newEpoch: () => 77,
    });
  }

  /** Appends all of them at once. */
  append(...batches: Uint8Array[]): Promise<string[]> {
    return this.passed(Promise.all(batches.map((batch) => this.outbox.append(batch))));
  }

  /** What was sent since the last call, after everything that waits has gone out. */
  async taken(): Promise<Parcel[]> {
    await this.outbox.alarm();
    const { sent } = this;
    this.sent = [];
    return sent;
  }

  /** Lets the time of a segment pass, and writes what is due then. */
  async logged(): Promise<void> {
    this.now += SEGMENT_AFTER_MS;
    await this.outbox.alarm();
  }

  /** What a promise comes to while short timers go off; those of dispatches do not. */
  async passed<Value>(promise: Promise<Value>): Promise<Value> {
    let settled = false;
    const done = () => {
      settled = true;
    };
    promise.then(done, done);
    while (!settled) {
      await new Promise((resolve) => setImmediate(resolve));
      await vi.advanceTimersByTimeAsync(1);
    }
    return promise;
  }
}

export type Begin = (now?: number) => Life;

/** Runs a test inside the storage of an outbox; `begin` ends the life before, its timers with it, and starts another. */
export function inOutbox(
  test: (begin: Begin, state: DurableObjectState) => Promise<void>,
): Promise<void> {
  const stub = env.OUTBOX.getByName("outbox-0");
  return runInDurableObject(stub, async (_, state) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const eventLog = new TestLog();
    try {
      await test((now = START) => new Life(state, now, eventLog), state);
    } finally {
      vi.clearAllTimers();
      vi.useRealTimers();
      // Nothing may be due when the test has ended.
      await state.storage.deleteAlarm();
    }
  });
}
