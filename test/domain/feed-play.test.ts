import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { EventInput } from "../../contract/events.ts";
import { instantText } from "../../contract/names.ts";
import { type EpochMs, epochMs, floorTo, MINUTE_MS, plus } from "../../domain/units.ts";
import { type EventSource, nextBatch } from "../../local/feed/batch.ts";
import type { TimedEvent } from "../../local/feed/feed-event.ts";
import { type PostOutcome, playFeed } from "../../local/feed/play.ts";

const beginsAt = epochMs(Date.UTC(2014, 4, 19, 20));

interface Script {
  source: EventSource;
  keys: string[];
  /** The smallest batch, from five up, that the fullest instant fits into. */
  maxEvents: number;
}

/** One event per offset in milliseconds; equal offsets are different events of one instant. */
function scriptOf(offsetsMs: readonly number[]): Script {
  const events = [...offsetsMs]
    .sort((a, b) => a - b)
    .map((offsetMs, index): TimedEvent => {
      const at = plus(beginsAt, offsetMs);
      const timestamp = instantText(at);
      const idempotency_key = `k${index}`;
      return {
        at,
        event: { event_type: "booking", region_id: "nyc-1", timestamp, idempotency_key },
      };
    });
  return {
    keys: events.map(({ event }) => event.idempotency_key),
    maxEvents: Math.max(
      5,
      ...[...Map.groupBy(offsetsMs, (at) => at).values()].map((same) => same.length),
    ),
    source: {
      eventsOfMinute: (minuteAt) => events.filter(({ at }) => floorTo(at, MINUTE_MS) === minuteAt),
    },
  };
}

/** What one POST meets: stored, stored without the answer arriving, refused, or the feed is killed in it. */
type Fate = "stored" | "answer lost" | "refused" | "killed before" | "killed after";

/** An ingest that suffers the given fates in turn, then stores everything; counts each key once, as ingest does. */
class RoughIngest {
  readonly stored: string[] = [];
  readonly repeated: string[] = [];
  private readonly fates: Fate[];

  constructor(fates: readonly Fate[]) {
    this.fates = [...fates];
  }

  post(events: readonly EventInput[], kill: () => void): PostOutcome {
    const fate = this.fates.shift() ?? "stored";
    if (fate === "stored" || fate === "answer lost" || fate === "killed after") this.store(events);
    if (fate === "killed before" || fate === "killed after") kill();
    return fate === "stored"
      ? { kind: "settled", answer: { accepted: events.length, rejected: [] } }
      : { kind: "failed", reason: fate, retryAfterMs: null };
  }

  private store(events: readonly EventInput[]): void {
    for (const { idempotency_key } of events) {
      const seen = this.stored.includes(idempotency_key);
      (seen ? this.repeated : this.stored).push(idempotency_key);
    }
  }
}

interface Stretch {
  fromAt: EpochMs;
  endAt: EpochMs;
  /** How far event time runs on at each wait of the feed. */
  stepMs: number;
}

/** Plays [fromAt, endAt), started again from the saved cursor whenever it is killed. Gives that cursor. */
async function playStretch(
  { source, maxEvents }: Script,
  ingest: RoughIngest,
  { fromAt, endAt, stepMs }: Stretch,
): Promise<EpochMs> {
  let cursor = fromAt;
  let now = fromAt;
  do {
    const stop = new AbortController();
    await playFeed(
      {
        source,
        maxEvents,
        eventNow: () => now,
        post: async (events) => ingest.post(events, () => stop.abort()),
        sleep: async () => {
          if (now >= endAt) stop.abort();
          now = epochMs(Math.min(now + stepMs, endAt));
        },
        saveCursor: async (at) => {
          expect(at).toBeGreaterThan(cursor);
          cursor = at;
        },
        observe: () => undefined,
      },
      cursor,
      stop.signal,
    );
  } while (nextBatch(source, cursor, endAt, 10_000).events.length > 0);
  return cursor;
}

const offsets = fc.array(fc.integer({ min: 0, max: 20 * MINUTE_MS - 1 }), { maxLength: 60 });
const fates = fc.array(
  fc.constantFrom<Fate>("stored", "answer lost", "refused", "killed before", "killed after"),
  { maxLength: 12 },
);
const endAt = plus(beginsAt, 20 * MINUTE_MS);

describe("playFeed()", () => {
  test("stores every event once and in order, whatever fails and however often it is killed", async () => {
    await fc.assert(
      fc.asyncProperty(
        offsets,
        fates,
        fc.integer({ min: 500, max: 10 * MINUTE_MS }),
        async (offsetsMs, fateList, stepMs) => {
          const script = scriptOf(offsetsMs);
          const ingest = new RoughIngest(fateList);
          await playStretch(script, ingest, { fromAt: beginsAt, endAt, stepMs });
          expect(ingest.stored).toEqual(script.keys);
        },
      ),
    );
  });

  test("sends exactly what remains after a stop between batches", async () => {
    await fc.assert(
      fc.asyncProperty(offsets, fc.integer({ min: 0, max: 20 }), async (offsetsMs, stopMinute) => {
        const script = scriptOf(offsetsMs);
        const stepMs = MINUTE_MS;
        const first = new RoughIngest([]);
        const stopAt = plus(beginsAt, stopMinute * MINUTE_MS);
        const cursor = await playStretch(script, first, {
          fromAt: beginsAt,
          endAt: stopAt,
          stepMs,
        });
        const second = new RoughIngest([]);
        await playStretch(script, second, { fromAt: cursor, endAt, stepMs });
        const before = offsetsMs.filter((offsetMs) => offsetMs < stopMinute * MINUTE_MS).length;
        expect(first.stored).toEqual(script.keys.slice(0, before));
        expect(second.stored).toEqual(script.keys.slice(before));
        expect(second.repeated).toEqual([]);
      }),
    );
  });

  test("waits as long as the answer asks, and otherwise longer with every failure", async () => {
    const { source } = scriptOf([5]);
    const stop = new AbortController();
    const waits: number[] = [];
    const outcomes: PostOutcome[] = [
      { kind: "failed", reason: "503", retryAfterMs: null },
      { kind: "failed", reason: "503", retryAfterMs: null },
      { kind: "failed", reason: "429", retryAfterMs: 7_000 },
      { kind: "settled", answer: { accepted: 1, rejected: [] } },
    ];
    await playFeed(
      {
        source,
        maxEvents: 500,
        eventNow: () => plus(beginsAt, MINUTE_MS),
        post: async () => outcomes.shift() ?? { kind: "failed", reason: "none", retryAfterMs: 0 },
        sleep: async (lengthMs) => {
          waits.push(lengthMs);
          if (outcomes.length === 0) stop.abort();
        },
        saveCursor: async () => undefined,
        observe: () => undefined,
      },
      beginsAt,
      stop.signal,
    );
    expect(waits.slice(0, 3)).toEqual([200, 400, 7_000]);
  });
});

describe("nextBatch()", () => {
  test("never splits an instant, never exceeds its size, and leaves nothing out", () => {
    const smallTimes = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 60 });
    fc.assert(
      fc.property(smallTimes, (offsetsMs) => {
        const { source, keys, maxEvents } = scriptOf(offsetsMs);
        const sent: TimedEvent[] = [];
        let fromAt = beginsAt;
        while (fromAt < endAt) {
          const batch = nextBatch(source, fromAt, endAt, maxEvents);
          expect(batch.events.length).toBeLessThanOrEqual(maxEvents);
          expect(batch.events.every(({ at }) => at >= fromAt && at < batch.nextAt)).toBe(true);
          sent.push(...batch.events);
          fromAt = batch.nextAt;
        }
        expect(sent.map(({ event }) => event.idempotency_key)).toEqual(keys);
      }),
    );
  });

  test("refuses an instant that does not fit into a batch", () => {
    const { source } = scriptOf([3, 3, 3]);
    expect(() => nextBatch(source, beginsAt, endAt, 2)).toThrow(/more than 2 events/);
  });
});
