/** The event log to Kafka's topics, against a real broker and the whole local stack. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { EventInput } from "../../contract/events.ts";
import { postEvents } from "../support/edge-requests.ts";
import {
  type Bridge,
  followTopics,
  kafkaForTests,
  type ReadRecord,
  startBridge,
  uniqueName,
} from "../support/kafka.ts";
import { until } from "../support/processes.ts";
import { type Stack, startStack } from "../support/stack.ts";

const PORT = 22_244;
const PATIENCE_MS = 90_000;
const REGION = "nyc-161";
const kafka = kafkaForTests();

describe.skipIf(kafka === null)("the event log to Kafka", () => {
  const brokers = kafka?.brokers ?? "";
  const prefix = `${uniqueName("out")}.`;
  let stack: Stack;
  let bridge: Bridge | undefined;
  beforeAll(async () => {
    // Its own origin would bridge as well, where the environment names a broker.
    stack = await startStack({ port: PORT, env: { KAFKA_BROKERS: "" } });
  });
  afterEach(async () => {
    await bridge?.stop("SIGKILL");
  });
  afterAll(() => stack?.stop());

  const start = () =>
    startBridge(stack, "--to-kafka", { KAFKA_BROKERS: brokers, KAFKA_OUT_PREFIX: prefix });

  const eventIds = (records: readonly ReadRecord[]) =>
    new Set(records.map(({ headers }) => headers["edge-event-id"]));

  function bookings(from: number, count: number): EventInput[] {
    const timestamp = new Date().toISOString();
    return Array.from({ length: count }, (_, n) => ({
      event_type: "booking",
      region_id: REGION,
      timestamp,
      idempotency_key: `out-${from + n}`,
      user_id: "u-1",
    }));
  }

  test("has every accepted event at least once under its id, though the bridge is killed", async () => {
    bridge = start();
    const topics = [`${prefix}user-events`, `${prefix}supply-events`];
    await until("the topics are there", PATIENCE_MS, () =>
      /"message":"the bridge runs"/.test(bridge?.run.output() ?? ""),
    );
    const follower = await followTopics(brokers, topics);
    await postEvents(stack, [
      {
        ...{ event_type: "supply_update", region_id: REGION, idempotency_key: "supply" },
        ...{ timestamp: new Date().toISOString(), metadata: { available: 12, busy: 4 } },
      },
    ]);
    for (let from = 0; from < 5_000; from += 500) await postEvents(stack, bookings(from, 500));
    await until("some came", PATIENCE_MS, () => follower.records.length > 0);
    await bridge.stop("SIGKILL");
    for (let from = 5_000; from < 8_000; from += 500) await postEvents(stack, bookings(from, 500));
    bridge = start();
    await until("all came", PATIENCE_MS, () => eventIds(follower.records).size >= 8_001).catch(
      (error: unknown) => {
        throw new Error(
          `${eventIds(follower.records).size} came. The bridge said:\n${bridge?.run.output()}`,
          { cause: error },
        );
      },
    );
    expect(eventIds(follower.records).size).toBe(8_001);

    const supply = follower.records.find(({ topic }) => topic.endsWith("supply-events"));
    expect(supply?.key).toBe(REGION);
    expect(JSON.parse(supply?.value ?? "")).toMatchObject({
      event_type: "supply_update",
      region_id: REGION,
      metadata: { available: 12, busy: 4 },
      event_id: supply?.headers["edge-event-id"],
    });
    const booking = follower.records.find(({ topic }) => topic.endsWith("user-events"));
    expect(booking?.value).not.toContain("u-1");
    expect(booking?.headers).toMatchObject({ "edge-log-sequence": expect.stringMatching(/^\d+$/) });
    expect(await bridge.stop()).toBe(0);
    await follower.stop();
  });
});
