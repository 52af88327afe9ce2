import fc from "fast-check";
import { expect, test } from "vitest";
import { eventQueueOn } from "../../../sdk/src/event-queue.ts";
import type { RejectedEvent, WireEvent } from "../../../sdk/src/generated/event-types.ts";
import { memoryStore } from "../../../sdk/src/memory-store.ts";
import { accepted, FakePlatform, problem, type SeenRequest } from "./fake-platform.ts";

/** What a service and the way to it may do with a request. */
const FATES = [
  "takes",
  "takes, and the answer is lost",
  "takes, and answers too late",
  "is not reached",
  "fails",
  "is overloaded",
  "limits some",
  "refuses the body",
  "finds it too large",
] as const;
type Fate = (typeof FATES)[number];

const step = fc.record({
  track: fc.nat(30),
  /** Every so manieth event is one the service never takes. */
  badEvery: fc.integer({ min: 2, max: 20 }),
  passMs: fc.nat(5_000),
  fates: fc.array(fc.constantFrom(...FATES), { maxLength: 6 }),
});

/** A service that keeps what it takes by key, and meets each request with the next fate. */
function serviceOver(kept: Map<string, WireEvent>, fates: Fate[]) {
  const isBad = ({ metadata }: WireEvent) => metadata?.bad === true;
  const take = (events: readonly WireEvent[], limitsSome: boolean) => {
    const rejected = events.flatMap((event, index): RejectedEvent[] => {
      if (isBad(event)) return [{ index, type: "invalid_event", detail: "Bad." }];
      if (limitsSome && index % 3 === 0) {
        return [{ index, type: "rate_limited", detail: "Later." }];
      }
      const known = kept.get(event.idempotency_key);
      // The same event under the same key, whenever it comes.
      if (known) expect(event).toEqual(known);
      kept.set(event.idempotency_key, event);
      return [];
    });
    return accepted(events.length, rejected);
  };
  return ({ events }: SeenRequest): Response | Promise<Response> => {
    const fate = fates.shift() ?? "takes";
    switch (fate) {
      case "takes":
      case "limits some":
        return take(events, fate === "limits some");
      case "takes, and the answer is lost":
        take(events, false);
        return Promise.reject(new TypeError("fetch failed"));
      case "takes, and answers too late":
        take(events, false);
        return new Promise<Response>(() => undefined);
      case "is not reached":
        return Promise.reject(new TypeError("fetch failed"));
      case "fails":
        return problem(500, "internal");
      case "is overloaded":
        return problem(429, "overloaded", { headers: { "retry-after": "2" } });
      case "refuses the body":
      case "finds it too large":
        // A service that refuses a single good event has judged it.
        if (events.length === 1) return take(events, false);
        return fate === "refuses the body"
          ? problem(400, "malformed_json")
          : problem(413, "body_too_large");
    }
  };
}

test("whatever happens on the way, every event ends up kept once or told of, and the books balance", async () => {
  const options = fc.record({
    maxBatchEvents: fc.integer({ min: 1, max: 20 }),
    maxInFlight: fc.integer({ min: 1, max: 3 }),
    maxQueueEvents: fc.constantFrom(25, 10_000),
    whenFull: fc.constantFrom("drop_oldest" as const, "refuse" as const),
  });
  const property = fc.asyncProperty(
    fc.array(step, { maxLength: 8 }),
    options,
    async (steps, given) => {
      const kept = new Map<string, WireEvent>();
      const fates: Fate[] = [];
      const rejected = new Set<string>();
      const tracked: { key: string | null; bad: boolean }[] = [];
      let dropped = 0;
      const platform = new FakePlatform(serviceOver(kept, fates));
      const queue = eventQueueOn(platform, memoryStore(), {
        endpoint: "https://prices.example/api/v1/events",
        key: "secret",
        requestTimeoutMs: 1_000,
        ...given,
        onRejected: ({ idempotency_key }) => rejected.add(idempotency_key),
        onDropped: (count) => {
          dropped += count;
        },
      });
      const balanced = () => {
        const { accepted: taken, rejected: refused, queued, tracked: all } = queue.stats();
        expect(taken + refused + queued + dropped).toBe(all);
        expect(queued).toBeLessThanOrEqual(given.maxQueueEvents);
      };
      for (const { track, badEvery, passMs, fates: next } of steps) {
        fates.push(...next);
        for (let n = 1; n <= track; n++) {
          const bad = n % badEvery === 0;
          const event = { event_type: "view", region_id: "nyc-161", metadata: { bad } } as const;
          tracked.push({ key: queue.track(event), bad });
        }
        balanced();
        await platform.pass(passMs);
        balanced();
      }
      fates.length = 0;
      await platform.pass(600_000);
      balanced();
      expect(queue.stats()).toMatchObject({ queued: 0, queuedBytes: 0, inFlight: 0 });

      const keysOf = (bad: boolean) => tracked.flatMap((t) => (t.bad === bad ? (t.key ?? []) : []));
      const untold = keysOf(false).filter((key) => !kept.has(key));
      expect(untold.length).toBeLessThanOrEqual(dropped);
      if (dropped === 0) {
        expect(untold).toEqual([]);
        expect([...rejected].sort()).toEqual(keysOf(true).sort());
      }
      for (const key of rejected) expect(kept.has(key)).toBe(false);
      for (const { init } of platform.requests) expect(init.signal).toBeInstanceOf(AbortSignal);
    },
  );
  await fc.assert(property, { numRuns: 150 });
});
