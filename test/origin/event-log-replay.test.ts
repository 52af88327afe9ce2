import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EventCursor } from "../../contract/packed-events.ts";
import { MAX_PARCEL_EVENT_BYTES, readParcel } from "../../contract/parcel.ts";
import { ByteReader } from "../../domain/bytes.ts";
import { type EpochMs, MINUTE_MS, plus, type RegionId, SECOND_MS } from "../../domain/units.ts";
import type { ReplayClient } from "../../origin/edge/replay-client.ts";
import { createBronzeSink } from "../../origin/event-log/bronze-sink.ts";
import { RegionFold } from "../../origin/event-log/fold-region.ts";
import { readRound } from "../../origin/event-log/read-round.ts";
import {
  type ReceivedEvent,
  ReplayComposer,
  replayNameFrom,
} from "../../origin/event-log/replay-parcels.ts";
import { replayRange } from "../../origin/event-log/replay-range.ts";
import { verifyRange } from "../../origin/event-log/verify-range.ts";
import { type OfflineStore, openOfflineStore } from "../../origin/offline/offline-store.ts";
import {
  eventRecord,
  LOG_NOON,
  LogInMemory,
  sampleEvent,
  sampleSignal,
  segmentOf,
  signalRecord,
} from "../support/event-log-samples.ts";

const REGION = "nyc-161" as RegionId;
const INTO = "nyc-162" as RegionId;
const RULES = {
  outOfOrdernessMs: 10 * SECOND_MS,
  allowedLatenessMs: 5 * MINUTE_MS,
  idleAfterMs: 5 * MINUTE_MS,
  transitAllowanceMs: MINUTE_MS,
};
const RANGE = { from: plus(LOG_NOON, -MINUTE_MS), to: plus(LOG_NOON, 60 * MINUTE_MS) };

/** Deliveries as they came in over half an hour: some out of order, some late, some repeats. */
const deliveries = fc
  .array(
    fc.record({
      afterMs: fc.integer({ min: 0, max: 20_000 }),
      agoMs: fc.oneof(fc.integer({ min: 0, max: 20_000 }), fc.integer({ min: 0, max: 600_000 })),
      keyLow: fc.integer({ min: 1, max: 60 }),
      userLow: fc.integer({ min: 0, max: 5 }),
      type: fc.constantFrom("search" as const, "booking" as const, "cancellation" as const),
    }),
    { minLength: 1, maxLength: 120 },
  )
  .map((all) => {
    let receivedAt = LOG_NOON;
    return all.map(({ afterMs, agoMs, keyLow, userLow, type }): ReceivedEvent => {
      receivedAt = plus(receivedAt, afterMs);
      const occurredAt = plus(receivedAt, -agoMs);
      return { ...sampleEvent({ eventType: type, keyLow, userLow, occurredAt }), receivedAt };
    });
  });

function parcelsOf(events: readonly ReceivedEvent[], into = REGION): Uint8Array[] {
  const composer = new ReplayComposer(replayNameFrom("test"), into);
  const parcels = events.map((event) => composer.add(event));
  return [...parcels, composer.finish()].filter((parcel) => parcel !== null);
}

describe("ReplayComposer", () => {
  test("keeps every event in its order, in parcels that fit, numbered from 1", () => {
    fc.assert(
      fc.property(deliveries, fc.nat({ max: 4_000 }), (events, metadataBytes) => {
        const composer = new ReplayComposer(replayNameFrom("test"), INTO);
        const metadata = "m".repeat(metadataBytes);
        const parcels: Uint8Array[] = [];
        for (const event of events) {
          const full = composer.add({ ...event, metadata });
          if (full) parcels.push(full);
        }
        const last = composer.finish();
        if (last) parcels.push(last);
        const seen = parcels.flatMap((bytes, i) => {
          const parcel = readParcel(new ByteReader(bytes));
          expect(parcel).toMatchObject({ regionId: INTO, number: i + 1, lowWater: i + 1 });
          expect(parcel.events.byteLength).toBeLessThanOrEqual(MAX_PARCEL_EVENT_BYTES);
          const cursor = new EventCursor(INTO, parcel.events);
          return Array.from(cursor, ({ keyLow, occurredAt }) => [keyLow, occurredAt]);
        });
        expect(seen).toEqual(events.map(({ keyLow, occurredAt }) => [keyLow, occurredAt]));
        expect(composer.finish()).toBeNull();
      }),
      { numRuns: 40 },
    );
  });
});

describe("a range of the event log", () => {
  let folder: string;
  let store: OfflineStore;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "replay-"));
    store = await openOfflineStore(folder);
  });
  afterEach(async () => {
    store.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function keep(log: LogInMemory): Promise<void> {
    const wallNow = () => LOG_NOON;
    const reading = {
      ...{ reader: "bronze" as const, client: log, database: store.database, wallNow },
      sink: createBronzeSink(store, wallNow, () => undefined),
      bounds: { maxBytes: 1_000_000, maxSegments: 3 },
      onGap: () => undefined,
      onLoss: () => undefined,
    };
    const { signal } = new AbortController();
    while ((await readRound(reading, signal)).segments > 0);
  }

  /** A log of what two outboxes took in turn, with what the region said of it at the end. */
  async function logOf(events: readonly ReceivedEvent[], told = true): Promise<RegionFold> {
    const live = new RegionFold(REGION, RULES);
    const log = new LogInMemory();
    events.forEach((event, n) => {
      log.add(`outbox-${n % 2}-7`, segmentOf(eventRecord([event], event.receivedAt)));
    });
    for (const parcel of parcelsOf(events)) live.play(parcel);
    live.finish();
    const lastAt = events.at(-1)?.receivedAt ?? LOG_NOON;
    if (told) log.add("outbox-0-7", signalRecord([...live.signals.values()], lastAt));
    await keep(log);
    return live;
  }

  test("folded again says what the region said", async () => {
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(deliveries, async (events) => {
        store.close();
        store = await openOfflineStore(join(folder, `run-${++runs}`));
        const live = await logOf(events);
        const found = await verifyRange(store, REGION, RANGE, RULES, () => undefined);
        expect(found).toMatchObject({ differences: [], unrecorded: [], unfolded: [] });
        const inRange = [...live.signals.values()].filter(
          ({ start_at }) => Date.parse(start_at) >= RANGE.from,
        );
        expect(found.compared).toBe(inRange.length);
      }),
      { numRuns: 8 },
    );
  });

  test("shows where the record differs", async () => {
    const event = (keyLow: number, atMs: number): ReceivedEvent => {
      const at = plus(LOG_NOON, atMs);
      return { ...sampleEvent({ keyLow, occurredAt: at }), receivedAt: at };
    };
    const live = await logOf([event(1, 0), event(2, 30_000), event(3, 20 * MINUTE_MS)], false);
    const [first, ...others] = [...live.signals.values()];
    if (!first) throw new Error("nothing was told");
    const wrong = { ...first, revision: 9, counts: { ...first.counts, booking: 99 } };
    const log = new LogInMemory();
    log.add("outbox-9-9", signalRecord([wrong, ...others.slice(1)], plus(LOG_NOON, MINUTE_MS)));
    await keep(log);
    const found = await verifyRange(store, REGION, RANGE, RULES, () => undefined);
    expect(found.differences).toEqual([
      {
        ...{ width_s: first.width_s, start_at: first.start_at },
        ...{ field: "booking", recorded: 99, folded: first.counts.booking },
      },
    ]);
    expect(found.unrecorded).toHaveLength(1);
    expect(found.unfolded).toEqual([]);
  });

  test("is posted in parcels that are the same each time, without what lies outside of it", async () => {
    const events = Array.from({ length: 40 }, (_, n): ReceivedEvent => {
      const at = plus(LOG_NOON, n * SECOND_MS);
      return { ...sampleEvent({ keyLow: n, occurredAt: at }), receivedAt: at };
    });
    await logOf([...events, { ...sampleEvent({ regionId: INTO }), receivedAt: LOG_NOON }], false);
    const range = { from: plus(LOG_NOON, 10 * SECOND_MS), to: plus(LOG_NOON, 30 * SECOND_MS) };
    const bodies: Uint8Array[] = [];
    const totals = { search: 0, view: 0, booking: 20, cancellation: 0, late: 0, duplicates: 0 };
    const summary = { region_id: INTO, watermark: null, totals };
    const told = (revision: number, booking: number) =>
      sampleSignal({ revision, counts: { search: 0, view: 0, booking, cancellation: 0 } });
    const client: ReplayClient = {
      async postParcels(regionId, body) {
        expect(regionId).toBe(INTO);
        bodies.push(body);
        const counts = { events: 20, duplicates: 0, late: 0, repeated_parcels: 3 };
        return { ...summary, signals: [told(1, 4), told(2, 5)], ...counts };
      },
      readReplay: async () => ({ ...summary, signals: [told(3, 6)] }),
    };
    const request = { regionId: REGION, into: INTO, range };
    const first = await replayRange(store, client, request, () => undefined);
    const again = await replayRange(store, client, request, () => undefined);
    expect(first).toMatchObject({ deliveries: 20, parcels: 20, repeatedParcels: 3, totals });
    // Nothing is on record, and of the window's revisions one is left.
    expect(first).toMatchObject({ windows: { compared: 0, unrecorded: [expect.any(String)] } });
    expect(again).toEqual(first);
    expect(bodies).toHaveLength(2);
    expect(bodies[1]).toEqual(bodies[0]);
    const reader = new ByteReader(bodies[0] ?? new Uint8Array());
    const received: EpochMs[] = [];
    while (!reader.isAtEnd) received.push(readParcel(reader).receivedAt);
    expect(received).toEqual(events.slice(10, 30).map(({ receivedAt }) => receivedAt));
  });

  test("stops at what the edge refuses", async () => {
    await logOf([{ ...sampleEvent(), receivedAt: LOG_NOON }], false);
    const fault = { reason: "refused" as const, detail: "the region is live" };
    const client: ReplayClient = { postParcels: async () => fault, readReplay: async () => fault };
    const request = { regionId: REGION, into: INTO, range: RANGE };
    expect(await replayRange(store, client, request, () => undefined)).toBe(fault);
  });
});
