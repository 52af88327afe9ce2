import { Backlog } from "./backlog.ts";
import { callBack } from "./call-back.ts";
import { newCounters } from "./counters.ts";
import { Delivery } from "./delivery.ts";
import type { EventStore } from "./event-store.ts";
import { Flushes } from "./flushes.ts";
import { type EventQueueOptions, type QueueStats, queueRulesFrom } from "./options.ts";
import type { Platform } from "./platform.ts";
import { StoreWriter } from "./store-writer.ts";
import { type TrackedEvent, wireTextOf } from "./tracked-event.ts";
import type { QueuedEvent } from "./waiting-events.ts";

const FLUSH_TIMEOUT_MS = 20_000;
const CLOSE_TIMEOUT_MS = 5_000;

export interface FlushOptions {
  /** When to stop waiting; sending goes on. */
  timeoutMs?: number;
}

/** Events on their way to the service: batched, bounded, repeated until they are taken, each counted once. */
export interface EventQueue {
  /**
   * Takes an event in and answers its idempotency key, or null when it was dropped, which `onDropped` tells too.
   * Synchronous; throws only on what is no JSON (a BigInt, a cycle).
   */
  track(event: TrackedEvent): string | null;
  /**
   * Sends everything now, waiting no longer for more. Resolves once all that was tracked before is settled, or after
   * `timeoutMs` (20 s), or when the queue is stopped. Waits that the service or failures impose are kept.
   */
  flush(options?: FlushOptions): Promise<{ remaining: number }>;
  /** Resolves true once everything tracked before is in the store; false when the store failed. */
  stored(): Promise<boolean>;
  /** Flushes (5 s), then stops. What is left stays in a persistent store; without one it is dropped, and told. */
  close(options?: FlushOptions): Promise<void>;
  /** Goes on after `stopped`, with another key if one is given. */
  resume(key?: EventQueueOptions["key"]): void;
  /** Sends what it can in requests that outlive the page. Called by the queue itself when its page is hidden. */
  sendBeforeHide(): void;
  stats(): QueueStats;
}

/** A queue on a given store and platform; `createEventQueue` chooses both. */
export function eventQueueOn(
  platform: Platform,
  store: EventStore,
  options: EventQueueOptions,
): EventQueue {
  const rules = queueRulesFrom(options);
  const counters = newCounters();
  const flushes = new Flushes<QueuedEvent>(platform.schedule);
  const instance = platform.newKey().slice(0, 8);
  let cancelAdoption = (): void => undefined;

  const storeFailed = (cause: unknown) => {
    counters.storeFailures++;
    const message = cause instanceof Error ? cause.message : String(cause);
    callBack(options.onError, { kind: "store", message, cause });
  };
  const writer = new StoreWriter(store, storeFailed);
  const onSettled = (event: QueuedEvent) => flushes.settled(event);
  const backlog = new Backlog({ rules, writer, counters, callbacks: options, onSettled });
  const delivery = new Delivery({
    options,
    rules,
    platform,
    backlog,
    counters,
    onStopped: () => flushes.endAll(),
  });

  async function adopt(): Promise<void> {
    try {
      while (backlog.hasRoom() && delivery.state !== "closed") {
        const events = await store.adopt();
        if (events.length === 0) break;
        backlog.adopt(events);
      }
    } catch (cause) {
      storeFailed(cause);
    }
    if (delivery.state === "closed") return;
    backlog.dropExpired(platform.now());
    delivery.pump();
    if (store.adoptEveryMs === undefined) return;
    cancelAdoption = platform.schedule(() => void adopt(), store.adoptEveryMs);
  }
  const opened = adopt();

  async function flush({ timeoutMs = FLUSH_TIMEOUT_MS }: FlushOptions = {}) {
    const begin = async () => {
      await opened;
      if (delivery.state !== "running") return [];
      backlog.waiting.hurry();
      const events = [...backlog.events()];
      delivery.pump();
      return events;
    };
    await flushes.until(begin, timeoutMs);
    return { remaining: backlog.size };
  }

  return {
    track(event) {
      if (delivery.state === "closed") {
        backlog.dropUnseen(1, "closed");
        return null;
      }
      const trackedAt = platform.now();
      const { key, text } = wireTextOf(event, options.clock?.() ?? trackedAt, platform.newKey);
      counters.tracked++;
      const id = `${trackedAt.toString(36).padStart(9, "0")}-${instance}-${counters.tracked.toString(36).padStart(6, "0")}`;
      const isKept = backlog.add({ id, trackedAt, text });
      delivery.pump();
      return isKept ? key : null;
    },
    flush,
    stored: () => writer.written(),
    async close({ timeoutMs = CLOSE_TIMEOUT_MS } = {}) {
      if (delivery.state === "closed") return;
      await flush({ timeoutMs });
      cancelAdoption();
      await delivery.close();
      await writer.written();
      backlog.dropUnseen(store.isPersistent ? writer.unwritten : backlog.size, "closed");
      await store.close().catch(storeFailed);
    },
    resume: (key) => delivery.resume(key),
    sendBeforeHide: () => delivery.sendBeforeHide({ despitePause: !store.isPersistent }),
    stats: () => ({
      ...counters,
      dropped: { ...counters.dropped },
      state: delivery.state,
      queued: backlog.size,
      queuedBytes: backlog.bytes,
      inFlight: delivery.inFlightEvents,
    }),
  };
}
