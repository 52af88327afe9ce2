/** Sends events to an edge demand pricing service from browsers, Node and Workers. */

import { type EventQueue, eventQueueOn } from "./event-queue.ts";
import type { EventStore } from "./event-store.ts";
import { hasIndexedDb, indexedDbStore } from "./indexed-db-store.ts";
import { memoryStore } from "./memory-store.ts";
import type { EventQueueOptions } from "./options.ts";
import { flushOnPageHide } from "./page-hide.ts";
import { hostPlatform } from "./platform.ts";

export type { EventQueue, FlushOptions } from "./event-queue.ts";
export type { EventStore, StoredEvent } from "./event-store.ts";
export * from "./generated/event-types.ts";
export { indexedDbStore } from "./indexed-db-store.ts";
export { memoryStore } from "./memory-store.ts";
export type {
  DropReason,
  EventQueueOptions,
  QueueError,
  QueueStats,
  Rejection,
} from "./options.ts";
export type { TrackedEvent } from "./tracked-event.ts";

/**
 * Makes a queue that sends to `endpoint`. In a page it keeps unsent events in IndexedDB and sends when the page is hidden;
 * elsewhere it keeps them in memory unless it is given a store. Throws a RangeError on options that cannot be.
 */
export function createEventQueue(options: EventQueueOptions): EventQueue {
  const queue = eventQueueOn(hostPlatform(), options.store ?? defaultStore(), options);
  return typeof document === "undefined" ? queue : flushOnPageHide(queue);
}

function defaultStore(): EventStore {
  return hasIndexedDb() ? indexedDbStore() : memoryStore();
}
