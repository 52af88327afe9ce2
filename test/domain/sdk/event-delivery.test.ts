import { describe, expect, test } from "vitest";
import {
  accepted,
  FakePlatform,
  problem,
  type Service,
  START_AT,
  settled,
} from "./fake-platform.ts";
import { booking, inTurn, keysOf, queueOn, sizes, trackMany } from "./queue-under-test.ts";

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

  test("does not wait longer for a key that never comes, nor does close()", async () => {
    const platform = new FakePlatform();
    const { queue, errors } = queueOn(platform, {
      key: () => new Promise<string>(() => undefined),
      requestTimeoutMs: 1_000,
    });
    queue.track(booking);
    await platform.pass(3_500);
    expect(errors).toMatchObject([{ kind: "request", message: "no answer within 1000 ms" }]);
    let isClosed = false;
    const closing = queue.close({ timeoutMs: 10 }).then(() => {
      isClosed = true;
    });
    await platform.pass(10);
    expect(isClosed).toBe(true);
    await closing;
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

/** For what takes real time: compression. */
async function waitFor(check: () => boolean): Promise<void> {
  for (let turn = 0; turn < 500 && !check(); turn++) await settled();
}
