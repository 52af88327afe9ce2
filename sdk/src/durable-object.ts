/** For Workers: unsent events in the storage of a Durable Object. */
import type { EventStore, StoredEvent } from "./event-store.ts";

/** The part of `ctx.storage` that is used. */
export interface ObjectStorage {
  put(entries: Record<string, unknown>): Promise<void>;
  delete(keys: string[]): Promise<number>;
  list(options: {
    prefix: string;
    limit: number;
    startAfter?: string;
  }): Promise<Map<string, unknown>>;
}

/** The storage takes at most this many keys in a call. */
const MAX_KEYS = 128;
const ADOPTED_AT_ONCE = 1_000;

/**
 * A store in a Durable Object's storage, under keys that begin with `prefix`. An object has one living instance, so all
 * that is there when it starts is an earlier one's; a queue on it belongs into the object's constructor.
 */
export function durableObjectStore(
  storage: ObjectStorage,
  { prefix = "unsent-event/" } = {},
): EventStore {
  let adoptedUpTo: string | undefined;
  const own = new Set<string>();
  return {
    isPersistent: true,
    async adopt() {
      const range = { prefix, limit: ADOPTED_AT_ONCE };
      for (;;) {
        const start = adoptedUpTo === undefined ? {} : { startAfter: adoptedUpTo };
        const found = await storage.list({ ...range, ...start });
        const keys = [...found.keys()];
        if (keys.length === 0) return [];
        adoptedUpTo = keys.at(-1);
        const orphans = [...found].filter(([key]) => !own.has(key));
        if (orphans.length > 0) return orphans.map(([, event]) => event as StoredEvent);
      }
    },
    async append(events) {
      for (const some of chunks(events)) {
        for (const { id } of some) own.add(prefix + id);
        await storage.put(Object.fromEntries(some.map((event) => [prefix + event.id, event])));
      }
    },
    async remove(ids) {
      for (const some of chunks(ids)) {
        await storage.delete(some.map((id) => prefix + id));
        for (const id of some) own.delete(prefix + id);
      }
    },
    // Nothing is held but the storage, which is the object's.
    close: async () => undefined,
  };
}

function chunks<Item>(items: readonly Item[]): Item[][] {
  const count = Math.ceil(items.length / MAX_KEYS);
  return Array.from({ length: count }, (_, i) => items.slice(i * MAX_KEYS, (i + 1) * MAX_KEYS));
}
