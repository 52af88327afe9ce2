import type { EventStore } from "./event-store.ts";

/** The store where there is none: a queue holds its unsent events in memory anyway. */
export function memoryStore(): EventStore {
  return {
    isPersistent: false,
    adopt: async () => [],
    append: async () => undefined,
    remove: async () => undefined,
    close: async () => undefined,
  };
}
