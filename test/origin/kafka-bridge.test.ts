import fc from "fast-check";
import { pino } from "pino";
import { describe, expect, test } from "vitest";
import { createMetrics } from "../../contract/metrics.ts";
import { createRecordBridge } from "../../origin/kafka/bridge-from-kafka.ts";
import { createBridgeMetrics } from "../../origin/kafka/bridge-metrics.ts";
import type { IngestAnswer, IngestClient } from "../../origin/kafka/ingest-client.ts";
import type { KafkaMessage, KafkaRecord, RecordBatch } from "../../origin/kafka/kafka-port.ts";
import { ECHO_HEADER } from "../../origin/kafka/prepare-record.ts";
import { record } from "../support/kafka-record.ts";

const quiet = pino({ level: "silent" });

const bodyOf = (event: object) => JSON.stringify(event);

/** Kafka and ingest of a test's own: ingest refuses what is marked, and sometimes everything. */
class World {
  readonly counted = new Map<string, number>();
  readonly buried: KafkaMessage[] = [];
  committed = 0;
  paused = 0;
  readonly records: KafkaRecord[];
  private readonly moods: ("well" | "busy" | "gone" | "no dead letters")[];

  constructor(records: KafkaRecord[], moods: World["moods"] = []) {
    this.records = records;
    this.moods = [...moods];
  }

  readonly ingest: IngestClient = {
    post: async (body): Promise<IngestAnswer> => {
      const mood = this.moods.shift();
      if (mood === "busy") return { kind: "later", detail: "429", afterMs: 1_000 };
      const events = JSON.parse(String(body)) as { idempotency_key: string; bad?: string }[];
      if (events.some(({ bad }) => bad === "body")) {
        return { kind: "refused", type: "malformed_json", detail: "a bad body" };
      }
      const rejected = events.flatMap(({ bad }, index) =>
        bad === undefined || (bad === "later" && mood === "well")
          ? []
          : [{ index, type: bad === "later" ? "rate_limited" : "invalid_event", detail: bad }],
      );
      events.forEach(({ idempotency_key: key }, index) => {
        if (rejected.some((one) => one.index === index)) return;
        this.counted.set(key, (this.counted.get(key) ?? 0) + 1);
      });
      // It took them, and the answer is lost.
      if (mood === "gone") return { kind: "later", detail: "reset", afterMs: null };
      if (rejected.length === events.length && events.length > 0) {
        const onlyLater = rejected.every(({ type }) => type === "rate_limited");
        if (onlyLater) return { kind: "later", detail: "429", afterMs: 500 };
        return { kind: "refused", type: "invalid_events", detail: "none" };
      }
      return { kind: "accepted", rejected };
    },
  };

  readonly kafka = {
    produce: async (messages: readonly KafkaMessage[]) => {
      if (this.moods[0] === "no dead letters") {
        this.moods.shift();
        throw new Error("Kafka is gone");
      }
      this.buried.push(...messages);
    },
  };

  /** What Kafka gives from the first record that is not committed on. */
  batch(): RecordBatch {
    const records = this.records.slice(this.committed);
    return {
      topic: "user-events",
      partition: 2,
      records,
      behind: 0,
      isCurrent: () => true,
      keepAlive: async () => undefined,
      commit: async ({ offset }) => {
        expect(Number(offset) + 1).toBeGreaterThan(this.committed);
        this.committed = Number(offset) + 1;
      },
      pauseFor: (lengthMs) => {
        this.paused = lengthMs;
      },
    };
  }
}

const marks = fc.constantFrom(undefined, undefined, undefined, "event", "body", "poison");

describe("records on their way to ingest", () => {
  const onBatchOf = ({ kafka, ingest }: World, metrics = createMetrics()) =>
    createRecordBridge({ kafka, ingest, metrics: createBridgeMetrics(metrics), log: quiet });

  test("are each accepted under one key or among the dead letters, whatever happens in between", async () => {
    const moods = fc.array(fc.constantFrom("busy", "gone", "no dead letters", "well"), {
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(fc.array(marks, { maxLength: 40 }), moods, async (all, unrest) => {
        const records = all.map((bad, offset) =>
          record(offset, bad === "poison" ? "no JSON" : bodyOf(bad === undefined ? {} : { bad })),
        );
        const world = new World(records, unrest as ("busy" | "gone")[]);
        const onBatch = onBatchOf(world);
        for (let turn = 0; world.committed < records.length; turn++) {
          expect(turn).toBeLessThan(20);
          await onBatch(world.batch());
        }
        const good = all.flatMap((bad, n) => (bad === undefined ? [`user-events/2/${n}`] : []));
        expect([...world.counted.keys()].sort()).toEqual(good.sort());
        const dead = new Set(world.buried.map(({ headers }) => headers["dead-letter-offset"]));
        const bad = all.flatMap((mark, n) => (mark === undefined ? [] : [String(n)]));
        expect([...dead].sort()).toEqual(bad.sort());
      }),
      { numRuns: 200 },
    );
  });

  test("commit nothing while ingest is busy, and rest longer each time, at least as long as it asks", async () => {
    const world = new World([record(0, "{}")], ["busy", "busy", "busy", "busy", "busy"]);
    const onBatch = onBatchOf(world);
    const pauses: number[] = [];
    for (let turn = 0; turn < 5; turn++) {
      await onBatch(world.batch());
      pauses.push(world.paused);
    }
    expect(world.committed).toBe(0);
    expect(pauses).toEqual([1_000, 1_000, 1_000, 2_000, 4_000]);
    await onBatch(world.batch());
    expect(world.committed).toBe(1);
  });

  test("that are over a limit are sent again, and no dead letters; those before them are committed", async () => {
    const records = [{}, { bad: "event" }, { bad: "later" }, {}].map((event, n) =>
      record(n, bodyOf(event)),
    );
    const world = new World(records);
    await onBatchOf(world)(world.batch());
    expect(world.committed).toBe(2);
    expect(world.buried.map(({ headers }) => headers["dead-letter-offset"])).toEqual(["1"]);
    expect(world.paused).toBeGreaterThan(0);
  });

  test("of a body with several events the rejected ones make it a dead letter, once", async () => {
    const headers = new Map([["content-type", "application/x-ndjson"]]);
    const world = new World([record(0, "two lines", { headers })]);
    const rejected = [1, 3].map((index) => ({
      index,
      type: "unknown_region",
      detail: "no region",
    }));
    const ingest: IngestClient = { post: async () => ({ kind: "accepted", rejected }) };
    await createRecordBridge({
      ...{ kafka: world.kafka, ingest, log: quiet },
      metrics: createBridgeMetrics(createMetrics()),
    })(world.batch());
    expect(world.committed).toBe(1);
    expect(world.buried.map(({ headers: marks }) => marks["dead-letter-detail"])).toEqual([
      "events[1]: no region events[3]: no region",
    ]);
  });

  test("stop where the partition was taken away", async () => {
    const world = new World([record(0, "{}")]);
    await onBatchOf(world)({ ...world.batch(), isCurrent: () => false });
    expect(world.committed).toBe(0);
    expect(world.counted.size).toBe(0);
  });

  test("are counted", async () => {
    const metrics = createMetrics();
    const echo = record(2, "{}", { headers: new Map([[ECHO_HEADER, "x"]]) });
    const world = new World([record(0, "{}"), record(1, "poison"), echo, record(3, "{}")]);
    await onBatchOf(world, metrics)({ ...world.batch(), behind: 5 });
    const text = metrics.text();
    expect(text).toContain('origin_kafka_records_in_total{topic="user-events"} 2');
    expect(text).toContain('origin_kafka_dead_letters_total{topic="user-events"} 1');
    expect(text).toContain('origin_kafka_consumer_lag_records{topic="user-events"} 5');
    expect(world.committed).toBe(4);
  });

  test("a dead letter is the record with its reason and its place", async () => {
    const headers = new Map([["mine", "kept"]]);
    const world = new World([record(0, "poison", { key: Buffer.from("k"), headers })]);
    await onBatchOf(world)(world.batch());
    expect(world.buried).toEqual([
      {
        topic: "user-events.dead-letters",
        key: Buffer.from("k"),
        value: Buffer.from("poison"),
        headers: {
          mine: "kept",
          "dead-letter-reason": "malformed_json",
          "dead-letter-detail": "The value is no JSON object.",
          "dead-letter-topic": "user-events",
          "dead-letter-partition": "2",
          "dead-letter-offset": "0",
        },
      },
    ]);
  });
});
