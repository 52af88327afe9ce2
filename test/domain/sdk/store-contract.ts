/**
 * What every store of unsent events must do, wherever it runs: the cases know no test runner, so that they can be bundled
 * into a page or a Worker. A case throws where a store does not hold.
 */
import fc from "fast-check";
import type { EventStore, StoredEvent } from "../../../sdk/src/event-store.ts";

/** Somewhere stores keep events: a directory, a database, an object. Empty at first. */
export interface StorePlace {
  /** One more user of the place. */
  open(): EventStore | Promise<EventStore>;
  /** Ends a user as a crash would: nothing of it runs any more, and it closed nothing. */
  crash(store: EventStore): void | Promise<void>;
}

type Case = (place: StorePlace) => Promise<void>;

/** Cases of stores that have one user at a time. */
export const STORE_CONTRACT: Record<string, Case> = {
  "is empty at first": async (place) => {
    sameEvents(await adoptAll(await place.open()), []);
  },
  "hands what a closed store kept to the next one": async (place) => {
    const events = [event(1), event(2, '{"note":"line\\nbreak, ünïcode 🚕 \u2028"}'), event(3)];
    await leaveBehind(place, events, "close");
    sameEvents(await adoptAll(await place.open()), events);
  },
  "hands what a crashed store kept to the next one": async (place) => {
    await leaveBehind(place, [event(1), event(2)], "crash");
    sameEvents(await adoptAll(await place.open()), [event(1), event(2)]);
  },
  "keeps what was adopted until it is removed, however many stores crash": async (place) => {
    await leaveBehind(place, [event(1), event(2)], "crash");
    for (let crashes = 0; crashes < 3; crashes++) {
      const store = await place.open();
      sameEvents(await adoptAll(store), [event(1), event(2)]);
      await place.crash(store);
    }
    const store = await place.open();
    await adoptAll(store);
    await store.remove([event(1).id]);
    await store.close();
    sameEvents(await adoptAll(await place.open()), [event(2)]);
  },
  "never hands out what was removed, and takes unknown ids for removed": async (place) => {
    const store = await place.open();
    await store.append([event(1), event(2)]);
    await store.remove([event(1).id, "unknown"]);
    await store.remove([event(1).id]);
    await store.close();
    sameEvents(await adoptAll(await place.open()), [event(2)]);
  },
  "hands a store nothing of its own": async (place) => {
    const store = await place.open();
    await store.append([event(1)]);
    sameEvents(await adoptAll(store), []);
    await store.append([event(2)]);
    sameEvents(await adoptAll(store), []);
  },
  "keeps hundreds of events from one call": async (place) => {
    const many = Array.from({ length: 700 }, (_, n) => event(n));
    await leaveBehind(place, many, "close");
    const store = await place.open();
    sameEvents(await adoptAll(store), many);
    await store.remove(many.map(({ id }) => id));
    await store.close();
    sameEvents(await adoptAll(await place.open()), []);
  },
  "holds what a map would, after any changes, closings and crashes": (place) => mapProperty(place),
};

/** Cases of stores that several have open at once: tabs, processes. */
export const SHARED_STORE_CONTRACT: Record<string, Case> = {
  "hands out nothing of those who live": async (place) => {
    const living = await place.open();
    await living.append([event(1)]);
    const other = await place.open();
    sameEvents(await adoptAll(other), []);
    await other.append([event(2)]);
    sameEvents(await adoptAll(living), []);
  },
  "hands each event of one that crashed to exactly one of those who ask": async (place) => {
    const survivors = await Promise.all([1, 2, 3].map(() => place.open()));
    const events = Array.from({ length: 50 }, (_, n) => event(n));
    await leaveBehind(place, events.slice(0, 25), "crash");
    await leaveBehind(place, events.slice(25), "crash");
    const adopted = await Promise.all(survivors.map(adoptAll));
    sameEvents(adopted.flat(), events);
    for (const survivor of survivors) await survivor.close();
    sameEvents(await adoptAll(await place.open()), events);
  },
};

function event(n: number, text = `{"n":${n}}`): StoredEvent {
  return { id: `event-${String(n).padStart(5, "0")}`, trackedAt: 1_768_127_400_000 + n, text };
}

async function leaveBehind(place: StorePlace, events: StoredEvent[], end: "close" | "crash") {
  const store = await place.open();
  await store.append(events);
  await (end === "close" ? store.close() : place.crash(store));
}

async function adoptAll(store: EventStore): Promise<StoredEvent[]> {
  const all: StoredEvent[] = [];
  for (;;) {
    const events = await store.adopt();
    if (events.length === 0) return all;
    all.push(...events);
  }
}

/** Compares as sets: the order is not promised. */
function sameEvents(found: readonly StoredEvent[], expected: readonly StoredEvent[]): void {
  const textOf = (events: readonly StoredEvent[]) =>
    events
      .map(({ id, trackedAt, text }) => JSON.stringify([id, trackedAt, text]))
      .sort()
      .join("\n");
  if (textOf(found) === textOf(expected)) return;
  throw new Error(`expected\n${textOf(expected)}\nbut found\n${textOf(found)}`);
}

const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ append: fc.array(fc.nat(20), { maxLength: 5 }) }) },
    { weight: 4, arbitrary: fc.record({ remove: fc.array(fc.nat(20), { maxLength: 5 }) }) },
    fc.constant("close" as const),
    fc.constant("crash" as const),
  ),
  { maxLength: 20 },
);

async function mapProperty(place: StorePlace): Promise<void> {
  const property = fc.asyncProperty(steps, fc.string({ unit: "grapheme" }), async (all, note) => {
    const model = new Map<string, StoredEvent>();
    let store = await place.open();
    for (const step of all) {
      if (step === "close" || step === "crash") {
        await (step === "close" ? store.close() : place.crash(store));
        store = await place.open();
        sameEvents(await adoptAll(store), [...model.values()]);
      } else if ("append" in step) {
        const events = [...new Set(step.append)].map((n) => event(n, JSON.stringify({ n, note })));
        await store.append(events);
        for (const each of events) model.set(each.id, each);
      } else {
        const ids = step.remove.map((n) => event(n).id);
        await store.remove(ids);
        for (const id of ids) model.delete(id);
      }
    }
    await store.remove([...model.keys()]);
    await store.close();
  });
  await fc.assert(property, { numRuns: 25 });
}
