import { describe, expect, test } from "vitest";
import { type EventQueue, eventQueueOn } from "../../../sdk/src/event-queue.ts";
import type { StoredEvent } from "../../../sdk/src/event-store.ts";
import { memoryStore } from "../../../sdk/src/memory-store.ts";
import type {
  DropReason,
  EventQueueOptions,
  QueueError,
  Rejection,
} from "../../../sdk/src/options.ts";
import type { TrackedEvent } from "../../../sdk/src/tracked-event.ts";
import {
  accepted,
  FakePlatform,
  problem,
  type Service,
  START_AT,
  settled,
} from "./fake-platform.ts";

const booking = { event_type: "booking", region_id: "nyc-161" } satisfies TrackedEvent;

/** A queue with everything it tells written down. */
function queueOn(platform: FakePlatform, options: Partial<EventQueueOptions> = {}) {
  const rejected: [key: string, rejection: Rejection][] = [];
  const dropped: [count: number, reason: DropReason][] = [];
  const errors: QueueError[] = [];
  const queue = eventQueueOn(platform, options.store ?? memoryStore(), {
    endpoint: "https://prices.example/api/v1/events",
    key: "secret",
    onRejected: ({ idempotency_key }, rejection) => rejected.push([idempotency_key, rejection]),
    onDropped: (count, reason) => dropped.push([count, reason]),
    onError: (error) => errors.push(error),
    ...options,
  });
  return { queue, rejected, dropped, errors };
}

function trackMany(queue: EventQueue, count: number, event: TrackedEvent = booking) {
  return Array.from({ length: count }, () => queue.track(event));
}

const sizes = (platform: FakePlatform) => platform.requests.map(({ events }) => events.length);
const keysOf = (platform: FakePlatform) =>
  platform.requests.map(({ events }) => events.map((event) => event.idempotency_key));

/** Answers with each of these in turn, and takes everything after them. */
function inTurn(...answers: Service[]): Service {
  return (request) => (answers.shift() ?? (({ events }) => accepted(events.length)))(request);
}

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

describe("repeating", () => {
  test.each([
    ["a network that fails", () => Promise.reject(new TypeError("fetch failed"))],
    ["503", () => problem(503, "unavailable")],
    ["429", () => problem(429, "rate_limited")],
    ["a login page of a hotel", () => new Response("<html>", { status: 200 })],
    ["a 202 of somebody else", () => Response.json({ ok: true }, { status: 202 })],
    ["a 202 about other events", () => accepted(7)],
    ["a redirect", () => new Response(null, { status: 302, headers: { location: "/login" } })],
  ] satisfies [string, Service][])(
    "%s: the same events go again, under their keys",
    async (_, answer) => {
      const platform = new FakePlatform(inTurn(answer, answer));
      const { queue, errors } = queueOn(platform);
      trackMany(queue, 3);
      await platform.pass(10_000);
      const [first, second, third] = keysOf(platform);
      expect(second).toEqual(first);
      expect(third).toEqual(first);
      expect(queue.stats()).toMatchObject({ accepted: 3, failures: 2, requests: 3 });
      expect(errors.map(({ kind }) => kind)).toEqual(["request", "request"]);
    },
  );

  test("waits longer from failure to failure, by chance, and starts afresh after a success", async () => {
    const fail: Service = () => problem(503, "unavailable");
    const platform = new FakePlatform(inTurn(fail, fail, fail, acceptOnce, fail));
    platform.chances = [0.5, 0.25, 0.75, 0.5];
    const { queue } = queueOn(platform, { maxWaitMs: 0 });
    queue.track(booking);
    await platform.pass(20_000);
    queue.track(booking);
    await platform.pass(20_000);
    const at = platform.requests.map((request) => request.at - START_AT);
    expect(at).toEqual([0, 250, 500, 2_000, 20_000, 20_250]);
  });

  test("honours Retry-After before anything else", async () => {
    const answer: Service = () => problem(429, "overloaded", { headers: { "retry-after": "30" } });
    const platform = new FakePlatform(inTurn(answer));
    const { queue } = queueOn(platform, { maxWaitMs: 0 });
    queue.track(booking);
    await platform.pass(1_000);
    trackMany(queue, 1_000);
    await platform.pass(28_999);
    expect(platform.requests).toHaveLength(1);
    await platform.pass(251);
    expect(queue.stats().accepted).toBe(1_001);
  });

  test("gives up a request that has no answer in time, and sends it again", async () => {
    const platform = new FakePlatform(inTurn(() => new Promise<Response>(() => undefined)));
    const { queue, errors } = queueOn(platform, { maxWaitMs: 0, requestTimeoutMs: 5_000 });
    queue.track(booking);
    await platform.pass(4_999);
    expect(platform.requests).toHaveLength(1);
    await platform.pass(5_000);
    expect(queue.stats()).toMatchObject({ accepted: 1, requests: 2 });
    expect(errors[0]?.message).toBe("no answer within 5000 ms");
  });

  test("sends less at once where a request took too long, and more again when that works", async () => {
    const slow: Service = ({ events }) =>
      events.length > 100 ? new Promise<Response>(() => undefined) : accepted(events.length);
    const platform = new FakePlatform(slow);
    const { queue } = queueOn(platform, { maxInFlight: 1 });
    trackMany(queue, 500);
    await platform.pass(120_000);
    expect(sizes(platform).slice(0, 4)).toEqual([500, 250, 125, 63]);
    await platform.pass(600_000);
    expect(queue.stats()).toMatchObject({ accepted: 500, queued: 0 });
  });

  test("one event that makes the service fail keeps no other from being taken", async () => {
    const platform = new FakePlatform(({ events }) =>
      events.some((event) => event.idempotency_key === "poison")
        ? problem(500, "internal")
        : accepted(events.length),
    );
    const { queue } = queueOn(platform, { maxAgeMs: 3_600_000 });
    trackMany(queue, 100);
    queue.track({ ...booking, idempotency_key: "poison" });
    trackMany(queue, 100);
    await platform.pass(1_800_000);
    expect(queue.stats()).toMatchObject({ accepted: 200, queued: 1 });
    await platform.pass(1_900_000);
    expect(queue.stats()).toMatchObject({ queued: 0, dropped: { expired: 1 } });
  });
});

describe("refusals", () => {
  test("an event of a 202 that was rejected is told with its reason, and not sent again", async () => {
    const why = { type: "unknown_region", detail: 'There is no region "x".' } as const;
    const platform = new FakePlatform(
      inTurn(({ events }) => accepted(events.length, [{ index: 1, ...why }])),
    );
    const { queue, rejected } = queueOn(platform);
    const keys = trackMany(queue, 3);
    await platform.pass(60_000);
    expect(rejected).toEqual([[keys[1], why]]);
    expect(queue.stats()).toMatchObject({ accepted: 2, rejected: 1, requests: 1, queued: 0 });
  });

  test("an event over its own limit goes again later, while others go at once", async () => {
    const platform = new FakePlatform(
      inTurn(({ events }) =>
        accepted(events.length, [{ index: 0, type: "rate_limited", detail: "Too many." }]),
      ),
    );
    const { queue, rejected } = queueOn(platform, { maxWaitMs: 10 });
    const [limited] = trackMany(queue, 2);
    await platform.pass(100);
    const other = queue.track(booking);
    await platform.pass(60_000);
    expect(keysOf(platform).slice(1).flat()).toEqual([other, limited]);
    expect(rejected).toEqual([]);
    expect(queue.stats()).toMatchObject({ accepted: 3, rejected: 0 });
  });

  test("a 400 loses no good event: those it names are rejected, the others go again", async () => {
    const errors = [{ path: "events[1].quantity", detail: "Too small." }];
    const platform = new FakePlatform(inTurn(() => problem(400, "invalid_events", { errors })));
    const { queue, rejected } = queueOn(platform);
    const [first, bad, last] = trackMany(queue, 3);
    await platform.pass(2_000);
    const fields = [{ path: "quantity", detail: "Too small." }];
    const rejection = { type: "invalid_event", detail: "Too small.", errors: fields };
    expect(rejected).toEqual([[bad, rejection]]);
    expect(keysOf(platform)[1]).toEqual([first, last]);
    expect(queue.stats().accepted).toBe(2);
  });

  test.each([
    [400, "invalid_events"],
    [413, "body_too_large"],
    [422, "invalid_request"],
  ])(
    "a %i that names nobody is halved until the event at fault stands alone",
    async (status, type) => {
      const platform = new FakePlatform(({ events }) =>
        events.some((event) => event.idempotency_key === "bad")
          ? problem(status, type)
          : accepted(events.length),
      );
      const { queue, rejected } = queueOn(platform);
      trackMany(queue, 300);
      queue.track({ ...booking, idempotency_key: "bad" });
      trackMany(queue, 199);
      await platform.pass(10);
      expect(rejected).toEqual([["bad", { type, detail: `It is ${type}.` }]]);
      expect(queue.stats()).toMatchObject({ accepted: 499, rejected: 1, queued: 0 });
      expect(platform.requests.length).toBeLessThan(25);
    },
  );

  test.each([401, 403, 404])(
    "a %i stops the queue, which tells, keeps everything, and resumes",
    async (status) => {
      let key = "old";
      const platform = new FakePlatform(({ events, init }) => {
        const { authorization } = init.headers as Record<string, string>;
        return authorization === "Bearer new"
          ? accepted(events.length)
          : problem(status, "refused");
      });
      const { queue, errors } = queueOn(platform, { key: async () => key });
      trackMany(queue, 2);
      await platform.pass(600_000);
      expect(platform.requests).toHaveLength(1);
      expect(errors).toMatchObject([{ kind: "stopped", status }]);
      expect(await queue.flush()).toEqual({ remaining: 2 });
      expect(queue.stats().state).toBe("stopped");
      key = "new";
      queue.resume();
      await platform.pass(0);
      expect(queue.stats()).toMatchObject({ state: "running", accepted: 2 });
    },
  );
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

describe("a store", () => {
  /** A store that outlives its queues, in a list. */
  function storeOver(kept: Map<string, StoredEvent>) {
    let adopted = false;
    return {
      isPersistent: true,
      async adopt() {
        const events = adopted ? [] : [...kept.values()];
        adopted = true;
        return events;
      },
      async append(events: readonly StoredEvent[]) {
        for (const event of events) kept.set(event.id, event);
      },
      async remove(ids: readonly string[]) {
        for (const id of ids) kept.delete(id);
      },
      close: async () => undefined,
    };
  }

  test("hands an earlier queue's events to the next, under the keys and times they had", async () => {
    const kept = new Map<string, StoredEvent>();
    const offline = new FakePlatform(() => Promise.reject(new TypeError("offline")));
    const before = queueOn(offline, { store: storeOver(kept) });
    const keys = trackMany(before.queue, 3);
    expect(await before.queue.stored()).toBe(true);
    expect(kept.size).toBe(3);
    const platform = new FakePlatform();
    const { queue } = queueOn(platform, { store: storeOver(kept) });
    await platform.pass(0);
    expect(keysOf(platform)).toEqual([keys]);
    expect(queue.stats()).toMatchObject({ adopted: 3, accepted: 3 });
    expect(kept.size).toBe(0);
  });

  test("that fails is told, and the events go from memory; stored() says that they are not safe", async () => {
    const platform = new FakePlatform();
    let isBroken = true;
    const kept = new Map<string, StoredEvent>();
    const working = storeOver(kept);
    const store = {
      ...working,
      append: async (events: readonly StoredEvent[]) => {
        if (isBroken) throw new Error("quota exceeded");
        await working.append(events);
      },
    };
    const { queue, errors } = queueOn(platform, { store });
    queue.track(booking);
    expect(await queue.stored()).toBe(false);
    expect(errors).toMatchObject([{ kind: "store", message: "quota exceeded" }]);
    isBroken = false;
    expect(await queue.stored()).toBe(true);
    expect(kept.size).toBe(1);
    await platform.pass(2_000);
    expect(queue.stats()).toMatchObject({ accepted: 1, storeFailures: 1 });
    expect(kept.size).toBe(0);
  });

  test("keeps what close could not send, and nothing is dropped", async () => {
    const kept = new Map<string, StoredEvent>();
    const platform = new FakePlatform(() => problem(503, "unavailable"));
    const { queue, dropped } = queueOn(platform, { store: storeOver(kept) });
    trackMany(queue, 2);
    const closing = queue.close();
    await platform.pass(5_000);
    await closing;
    expect(kept.size).toBe(2);
    expect(dropped).toEqual([]);
  });
});

describe("gzip", () => {
  test("compresses bodies, and stops doing so for a service that does not read them", async () => {
    const plain: Service = ({ init, events }) =>
      typeof init.body === "string" ? accepted(events.length) : problem(400, "malformed_json");
    const platform = new FakePlatform(plain);
    const { queue, errors } = queueOn(platform, { gzip: true });
    trackMany(queue, 5);
    await platform.pass(2_000);
    await waitFor(() => queue.stats().accepted === 5);
    expect(errors.map(({ message }) => message).join()).toMatch(/does not read gzip/);
    const [first, second] = platform.requests;
    expect(first?.init.headers).toMatchObject({ "content-encoding": "gzip" });
    expect(second?.init.headers).not.toHaveProperty("content-encoding");
    const body = first?.init.body;
    if (!(body instanceof ArrayBuffer)) throw new Error("the first body is not compressed");
    const text = await new Response(
      new Blob([body]).stream().pipeThrough(new DecompressionStream("gzip")),
    ).text();
    expect(text).toBe(second?.body);
  });
});

const acceptOnce: Service = ({ events }) => accepted(events.length);

async function queueEnd(platform: FakePlatform, queue: EventQueue): Promise<void> {
  const flushing = queue.flush();
  await platform.pass(1_000);
  await flushing;
}

/** For what takes real time: compression. */
async function waitFor(check: () => boolean): Promise<void> {
  for (let turn = 0; turn < 500 && !check(); turn++) await settled();
}
