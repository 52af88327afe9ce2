import { describe, expect, test } from "vitest";
import type { EventQueue } from "../../../sdk/src/event-queue.ts";
import { FakePlatform, problem, type Service, START_AT, settled } from "./fake-platform.ts";
import { booking, keysOf, queueOn, sizes, trackMany } from "./queue-under-test.ts";

describe("track()", () => {
  test("stamps an event with key and time once, and sends it with the key of the queue", async () => {
    const platform = new FakePlatform();
    const { queue } = queueOn(platform);
    const key = queue.track(booking);
    await platform.pass(2_000);
    const [request] = platform.requests;
    expect(request?.url).toBe("https://prices.example/api/v1/events");
    expect(request?.init).toMatchObject({
      method: "POST",
      headers: { authorization: "Bearer secret", "content-type": "application/json" },
    });
    const timestamp = new Date(START_AT).toISOString();
    expect(request?.events).toEqual([{ ...booking, timestamp, idempotency_key: key }]);
    expect(queue.stats()).toMatchObject({ tracked: 1, accepted: 1, queued: 0, queuedBytes: 0 });
  });

  test("keeps a time and a key that the application gives, and takes the time from its clock", async () => {
    const platform = new FakePlatform();
    const { queue } = queueOn(platform, { clock: () => 0 });
    queue.track({ ...booking, idempotency_key: "b-1", timestamp: "2014-05-19T20:00:00Z" });
    queue.track(booking);
    await platform.pass(2_000);
    expect(platform.requests[0]?.events).toMatchObject([
      { idempotency_key: "b-1", timestamp: "2014-05-19T20:00:00Z" },
      { timestamp: "1970-01-01T00:00:00.000Z" },
    ]);
  });

  test("drops what no request can carry, and tells", () => {
    const { queue, dropped } = queueOn(new FakePlatform());
    expect(queue.track({ ...booking, metadata: { note: "é".repeat(600_000) } })).toBeNull();
    expect(dropped).toEqual([[1, "too_large"]]);
    expect(queue.stats().queued).toBe(0);
  });

  test("takes an event that fills a request to the last byte, and not one byte more", async () => {
    const platform = new FakePlatform();
    const { queue, dropped } = queueOn(platform);
    const empty = { ...booking, metadata: { note: "" } };
    queue.track(empty);
    const overhead = queue.stats().queuedBytes;
    const room = 1024 * 1024 - 1 - 2 - overhead;
    expect(queue.track({ ...booking, metadata: { note: "x".repeat(room) } })).not.toBeNull();
    expect(queue.track({ ...booking, metadata: { note: "x".repeat(room + 1) } })).toBeNull();
    await platform.pass(2_000);
    expect(platform.requests.map(({ body }) => body.length)).toContain(1024 * 1024 - 1);
    expect(dropped).toEqual([[1, "too_large"]]);
  });
});

describe("batching", () => {
  test("waits for others until maxWaitMs, then sends all in one request", async () => {
    const platform = new FakePlatform();
    const { queue } = queueOn(platform, { maxWaitMs: 1_000 });
    queue.track(booking);
    await platform.pass(600);
    queue.track(booking);
    await platform.pass(399);
    expect(platform.requests).toHaveLength(0);
    await platform.pass(1);
    expect(sizes(platform)).toEqual([2]);
  });

  test("sends at once when a request is full, never more than 500 events in one", async () => {
    const platform = new FakePlatform();
    const { queue } = queueOn(platform);
    trackMany(queue, 1_001);
    await settled();
    expect(sizes(platform)).toEqual([500, 500]);
    await platform.pass(2_000);
    expect(sizes(platform)).toEqual([500, 500, 1]);
  });

  test("keeps a request below maxBatchBytes, encoded", async () => {
    const platform = new FakePlatform();
    const { queue } = queueOn(platform, { maxBatchBytes: 1_000 });
    trackMany(queue, 40, { ...booking, metadata: { note: "über" } });
    await queueEnd(platform, queue);
    const bytes = platform.requests.map(({ body }) => new TextEncoder().encode(body).length);
    expect(Math.max(...bytes)).toBeLessThanOrEqual(1_000);
    expect(Math.min(...bytes.slice(0, -1))).toBeGreaterThan(800);
  });

  test("has no more requests under way than maxInFlight", async () => {
    const platform = new FakePlatform(() => new Promise<Response>(() => undefined));
    const { queue } = queueOn(platform, { maxInFlight: 3 });
    trackMany(queue, 5_000);
    await platform.pass(100);
    expect(platform.requests).toHaveLength(3);
    expect(queue.stats()).toMatchObject({ inFlight: 1_500, queued: 5_000 });
  });
});

describe("bounds", () => {
  const hang: Service = () => new Promise<Response>(() => undefined);

  test("a full queue drops its oldest event, counts it and tells", async () => {
    const platform = new FakePlatform();
    const { queue, dropped } = queueOn(platform, { maxQueueEvents: 3 });
    const keys = trackMany(queue, 5);
    expect(dropped).toEqual([
      [1, "full"],
      [1, "full"],
    ]);
    await platform.pass(2_000);
    expect(keysOf(platform)).toEqual([keys.slice(2)]);
  });

  test("or refuses the newest, where told to", async () => {
    const platform = new FakePlatform();
    const { queue } = queueOn(platform, { maxQueueEvents: 3, whenFull: "refuse" });
    const keys = trackMany(queue, 5);
    expect(keys.slice(3)).toEqual([null, null]);
    await platform.pass(2_000);
    expect(keysOf(platform)).toEqual([keys.slice(0, 3)]);
    expect(queue.stats()).toMatchObject({ accepted: 3, dropped: { full: 2 } });
  });

  test("counts bytes too, and never drops what is under way", async () => {
    const platform = new FakePlatform(hang);
    const { queue } = queueOn(platform, { maxWaitMs: 0, maxQueueBytes: 1_000 });
    trackMany(queue, 3);
    await platform.pass(0);
    trackMany(queue, 100);
    const { queuedBytes, inFlight, queued, dropped } = queue.stats();
    expect(queuedBytes).toBeLessThanOrEqual(1_000);
    expect(inFlight).toBeGreaterThanOrEqual(1);
    expect(queued + dropped.full).toBe(103);
  });

  test("options that cannot be are refused at once", () => {
    expect(() => queueOn(new FakePlatform(), { maxBatchEvents: 0 })).toThrow(
      new RangeError("maxBatchEvents must be a number of at least 1, not 0"),
    );
  });
});

describe("flush() and close()", () => {
  test("flush sends without waiting for more, and resolves when everything is settled", async () => {
    const platform = new FakePlatform();
    const { queue } = queueOn(platform);
    trackMany(queue, 2);
    const flushing = queue.flush();
    await platform.pass(0);
    expect(await flushing).toEqual({ remaining: 0 });
    expect(queue.stats().accepted).toBe(2);
  });

  test("flush gives up waiting after its timeout, and says what remains", async () => {
    const platform = new FakePlatform(() => problem(503, "unavailable"));
    const { queue } = queueOn(platform);
    trackMany(queue, 2);
    const flushing = queue.flush({ timeoutMs: 3_000 });
    await platform.pass(3_000);
    expect(await flushing).toEqual({ remaining: 2 });
  });

  test("close tells of what it could not send from memory, and drops what comes after", async () => {
    const platform = new FakePlatform(() => problem(503, "unavailable"));
    const { queue, dropped } = queueOn(platform);
    trackMany(queue, 2);
    const closing = queue.close();
    await platform.pass(5_000);
    await closing;
    expect(queue.track(booking)).toBeNull();
    expect(dropped).toEqual([
      [2, "closed"],
      [1, "closed"],
    ]);
    expect(platform.timerCount).toBe(0);
  });
});

describe("a page that is hidden", () => {
  test("sends what fits below 64 KiB at once, in requests that outlive it, and keeps the rest", async () => {
    const platform = new FakePlatform(() => new Promise<Response>(() => undefined));
    const { queue } = queueOn(platform);
    trackMany(queue, 450, { ...booking, metadata: { note: "x".repeat(200) } });
    queue.sendBeforeHide();
    // At once: nothing of a page that goes is sure to run later.
    const bodies = platform.requests.map(({ body }) => body.length);
    const total = bodies.reduce((sum, bytes) => sum + bytes, 0);
    expect(total).toBeGreaterThan(50_000);
    expect(total).toBeLessThanOrEqual(60_000);
    expect(platform.requests.every(({ init }) => init.keepalive === true)).toBe(true);
    queue.sendBeforeHide();
    expect(platform.requests).toHaveLength(bodies.length);
    expect(queue.stats().queued).toBe(450);
  });
});

async function queueEnd(platform: FakePlatform, queue: EventQueue): Promise<void> {
  const flushing = queue.flush();
  await platform.pass(1_000);
  await flushing;
}
