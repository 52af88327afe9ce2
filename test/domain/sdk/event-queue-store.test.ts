import { describe, expect, test } from "vitest";
import type { StoredEvent } from "../../../sdk/src/event-store.ts";
import { FakePlatform, problem } from "./fake-platform.ts";
import { booking, keysOf, queueOn, trackMany } from "./queue-under-test.ts";

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
