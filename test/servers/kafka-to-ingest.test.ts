/** Kafka's topics to ingest, against a real broker and the whole local stack: every record counts once, whatever is killed. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Message } from "kafkajs";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { readDemand } from "../support/edge-requests.ts";
import { avroSingle, protobufBytes } from "../support/event-bodies.ts";
import {
  type Bridge,
  createTopics,
  followTopics,
  kafkaForTests,
  restartBroker,
  startBridge,
  uncommitted,
  uniqueName,
  writeRecords,
} from "../support/kafka.ts";
import { until } from "../support/processes.ts";
import { type Stack, startStack } from "../support/stack.ts";

const PORT = 22_240;
const PATIENCE_MS = 90_000;
const kafka = kafkaForTests();

describe.skipIf(kafka === null)("Kafka to ingest", () => {
  const brokers = kafka?.brokers ?? "";
  let stack: Stack;
  let bridges: Bridge[] = [];
  beforeAll(async () => {
    // Its own origin would bridge as well, where the environment names a broker.
    stack = await startStack({ port: PORT, env: { KAFKA_BROKERS: "" } });
  });
  afterEach(async () => {
    await Promise.all(bridges.map((bridge) => bridge.stop("SIGKILL")));
    bridges = [];
  });
  afterAll(() => stack?.stop());

  /** A topic of the test's own, and what starts bridges that read it. */
  async function topicFor(name: string) {
    const topic = uniqueName(name);
    await createTopics(brokers, [topic, `${topic}.dead-letters`]);
    const groupId = `${topic}-group`;
    const start = () => {
      const bridge = startBridge(stack, "--from-kafka", {
        KAFKA_BROKERS: brokers,
        KAFKA_TOPICS: topic,
        KAFKA_GROUP_ID: groupId,
        INGEST_URL: stack.ingestUrl,
      });
      bridges.push(bridge);
      return bridge;
    };
    return { topic, groupId, start };
  }

  const bookings = async (region: string) => (await readDemand(stack, region)).totals.booking;

  /** Waits until every offset is committed, and then until the region has counted what it can. */
  async function settled(groupId: string, topic: string, region: string, expected: number) {
    await until("every offset is committed", PATIENCE_MS, async () => {
      await sleep(500);
      return (await uncommitted(brokers, groupId, topic)) === 0;
    });
    await until("the region counts", PATIENCE_MS, async () => {
      await sleep(200);
      return (await bookings(region)) >= expected;
    }).catch(async (error: unknown) => {
      const { totals } = await readDemand(stack, region);
      const bridge = bridges.at(-1)?.run.output() ?? "";
      throw new Error(`${JSON.stringify(totals)}; the bridge said ${bridge}`, { cause: error });
    });
    // Whatever is counted twice is counted by now.
    await sleep(2_000);
    return readDemand(stack, region);
  }

  /** Bookings without an idempotency key: where they lie is what names them. */
  function bookingRecords(region: string, count: number): Message[] {
    const timestamp = new Date().toISOString();
    return Array.from({ length: count }, (_, n) => ({
      key: `${region}-${n % 50}`,
      value: JSON.stringify({ event_type: "booking", region_id: region, timestamp }),
    }));
  }

  test("takes JSON, CloudEvents and what ingest reads by its content type; poison goes to the dead letters", async () => {
    const region = "nyc-161";
    const { topic, groupId, start } = await topicFor("formats");
    const at = new Date().toISOString();
    const booking = { event_type: "booking", region_id: region, timestamp: at };
    const envelope = {
      ...{
        specversion: "1.0",
        id: "1",
        source: "/tests",
        type: "booking",
        subject: region,
        time: at,
      },
      data: {},
    };
    const json = JSON.stringify;
    await writeRecords(brokers, topic, [
      { value: json({ ...booking, idempotency_key: "own" }) },
      { value: json({ ...booking, idempotency_key: "own" }) },
      { key: region, value: json({ event_type: "booking", timestamp: at }) },
      {
        value: json(envelope),
        headers: { "content-type": "application/cloudevents+json; charset=UTF-8" },
      },
      {
        value: json({ quantity: 2 }),
        headers: {
          ...{ ce_specversion: "1.0", ce_id: "2", ce_source: "/tests", ce_type: "booking" },
          ...{ ce_subject: region, ce_time: at, "content-type": "application/json" },
        },
      },
      {
        value: `${json({ ...booking, idempotency_key: "line" })}\n`,
        headers: { "content-type": "application/x-ndjson" },
      },
      {
        value: Buffer.from(protobufBytes([{ ...booking, idempotency_key: "protobuf" }])),
        headers: { "content-type": "application/x-protobuf" },
      },
      {
        value: Buffer.from(avroSingle({ ...booking, idempotency_key: "avro" })),
        headers: { "content-type": "avro/binary" },
      },
      // Poison, in several ways.
      { value: "not JSON" },
      { value: json({ ...booking, event_type: "no-such-type" }), headers: { mine: "kept" } },
      { value: json({ ...booking, region_id: "no-such-region" }), key: "k" },
      { value: null },
      { value: "?", headers: { "content-type": "image/png" } },
      {
        value: json(envelope).slice(0, 20),
        headers: { "content-type": "application/cloudevents+json" },
      },
    ]);
    const written = await followTopics(brokers, [topic]);
    const letters = await followTopics(brokers, [`${topic}.dead-letters`]);
    start();
    await until("dead letters", PATIENCE_MS, () => letters.records.length >= 6);
    const { totals } = await settled(groupId, topic, region, 7);
    // A record that its producer wrote twice lies in two places, and so is two where nothing else names it.
    const unnamed = written.records.filter(({ key }) => key === region).length;
    expect(totals).toMatchObject({ booking: 6 + unnamed, late: 0 });
    expect(totals.duplicates).toBeGreaterThanOrEqual(1);
    const reasons = letters.records.map(({ headers }) => headers["dead-letter-reason"]);
    // Among others ingest says `unknown_region`; of one alone it says that the event is invalid.
    const known = new Set(reasons.filter((reason) => reason !== "unknown_region"));
    expect([...known].toSorted()).toEqual([
      "empty_record",
      "invalid_event",
      "malformed_json",
      "unsupported_media_type",
    ]);
    const invalid = letters.records.find(({ headers }) => headers.mine === "kept");
    expect(invalid?.headers).toMatchObject({
      "dead-letter-topic": topic,
      "dead-letter-partition": expect.stringMatching(/^\d$/),
      "dead-letter-offset": expect.stringMatching(/^\d+$/),
    });
    expect(JSON.parse(invalid?.value ?? "")).toEqual({ ...booking, event_type: "no-such-type" });
    await Promise.all([written.stop(), letters.stop()]);
  });

  test("a bridge that is killed in the midst loses nothing and counts nothing twice", async () => {
    const region = "nyc-234";
    const { topic, groupId, start } = await topicFor("killed");
    const count = await writeRecords(brokers, topic, bookingRecords(region, 20_000));
    for (const share of [0.2, 0.5]) {
      const bridge = start();
      await until(`${share} are counted`, PATIENCE_MS, async () => {
        return (await bookings(region)) >= share * count;
      });
      await bridge.stop("SIGKILL");
    }
    const before = await bookings(region);
    // Otherwise the kills hit nothing, and this shows nothing.
    expect(before).toBeLessThan(count);
    start();
    const { totals } = await settled(groupId, topic, region, count);
    expect(totals).toMatchObject({ booking: count, late: 0 });
  });

  test("partitions go from bridge to bridge without a record lost or counted twice", async () => {
    const region = "nyc-231";
    const { topic, groupId, start } = await topicFor("rebalanced");
    await writeRecords(brokers, topic, bookingRecords(region, 20_000));
    const first = start();
    await until("the first one works", PATIENCE_MS, async () => (await bookings(region)) > 500);
    const second = start();
    await sleep(3_000);
    const count = await writeRecords(brokers, topic, bookingRecords(region, 20_000));
    await sleep(2_000);
    // Ends gracefully, and hands its partitions over.
    expect(await first.stop()).toBe(0);
    const { totals } = await settled(groupId, topic, region, count);
    expect(totals).toMatchObject({ booking: count, late: 0 });
    expect(await second.stop()).toBe(0);
  });

  test("a broker that goes away and comes back is read on", async () => {
    const region = "nyc-237";
    const { topic, groupId, start } = await topicFor("restarted");
    await writeRecords(brokers, topic, bookingRecords(region, 10_000));
    start();
    await until("the bridge works", PATIENCE_MS, async () => (await bookings(region)) > 500);
    restartBroker(brokers);
    const count = await writeRecords(brokers, topic, bookingRecords(region, 10_000));
    const { totals } = await settled(groupId, topic, region, count);
    expect(totals).toMatchObject({ booking: count, late: 0 });
  });
});
