/** The unsettled events of a queue, under way or not: bounded, counted, and mirrored in the store. */
import { SERVICE_LIMIT, utf8Bytes } from "./batch.ts";
import { callBack } from "./call-back.ts";
import type { Counters } from "./counters.ts";
import type { StoredEvent } from "./event-store.ts";
import type { DropReason, EventQueueOptions, QueueRules, Rejection } from "./options.ts";
import type { StoreWriter } from "./store-writer.ts";
import { type QueuedEvent, WaitingEvents } from "./waiting-events.ts";

type Callbacks = Pick<EventQueueOptions, "onDropped" | "onRejected">;

export class Backlog {
  readonly waiting = new WaitingEvents();
  readonly #events = new Map<string, QueuedEvent>();
  readonly #rules: QueueRules;
  readonly #writer: StoreWriter;
  readonly #counters: Counters;
  readonly #callbacks: Callbacks;
  /** Called with each event that needs no more sending. */
  readonly #onSettled: (event: QueuedEvent) => void;
  #bytes = 0;

  constructor(parts: {
    rules: QueueRules;
    writer: StoreWriter;
    counters: Counters;
    callbacks: Callbacks;
    onSettled: (event: QueuedEvent) => void;
  }) {
    this.#rules = parts.rules;
    this.#writer = parts.writer;
    this.#counters = parts.counters;
    this.#callbacks = parts.callbacks;
    this.#onSettled = parts.onSettled;
  }

  get size(): number {
    return this.#events.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  events(): IterableIterator<QueuedEvent> {
    return this.#events.values();
  }

  /** True while events of others may be taken over. */
  hasRoom(): boolean {
    return this.size < this.#rules.maxQueueEvents && this.#bytes < this.#rules.maxQueueBytes;
  }

  /** Takes a new event in; false when it had to be dropped. */
  add(event: StoredEvent): boolean {
    const bytes = utf8Bytes(event.text);
    // Two brackets make it a body.
    if (bytes + 2 > Math.min(SERVICE_LIMIT.bytes, this.#rules.maxQueueBytes)) {
      this.dropUnseen(1, "too_large");
      return false;
    }
    if (!this.#makeRoomFor(bytes)) {
      this.dropUnseen(1, "full");
      return false;
    }
    this.#keep([{ ...event, bytes, dueAt: event.trackedAt + this.#rules.maxWaitMs, refusals: 0 }]);
    this.#writer.append(event);
    return true;
  }

  /** Takes over what the store handed out. */
  adopt(events: readonly StoredEvent[]): void {
    const fresh = events.filter(({ id }) => !this.#events.has(id));
    this.#counters.adopted += fresh.length;
    this.#keep(
      fresh.map((event) => ({ ...event, bytes: utf8Bytes(event.text), dueAt: 0, refusals: 0 })),
    );
  }

  accept(event: QueuedEvent): void {
    if (this.#settle(event)) this.#counters.accepted++;
  }

  reject(event: QueuedEvent, rejection: Rejection): void {
    if (!this.#settle(event)) return;
    this.#counters.rejected++;
    callBack(this.#callbacks.onRejected, JSON.parse(event.text), rejection);
  }

  dropExpired(now: number): void {
    const expired = this.waiting.takeTrackedBefore(now - this.#rules.maxAgeMs);
    for (const event of expired) this.#settle(event);
    this.dropUnseen(expired.length, "expired");
  }

  /** Counts and tells of events that are in no list any more, or never were. */
  dropUnseen(count: number, reason: DropReason): void {
    if (count === 0) return;
    this.#counters.dropped[reason] += count;
    callBack(this.#callbacks.onDropped, count, reason);
  }

  #keep(events: readonly QueuedEvent[]): void {
    for (const event of events) {
      this.#events.set(event.id, event);
      this.#bytes += event.bytes;
    }
    this.waiting.add(events);
  }

  /** What is under way cannot be taken back, so it never gives way. */
  #makeRoomFor(bytes: number): boolean {
    const { maxQueueEvents, maxQueueBytes, dropsOldest } = this.#rules;
    let dropped = 0;
    while (this.size >= maxQueueEvents || this.#bytes + bytes > maxQueueBytes) {
      const oldest = dropsOldest ? this.waiting.takeOldest() : undefined;
      if (!oldest) break;
      this.#settle(oldest);
      dropped++;
    }
    this.dropUnseen(dropped, "full");
    return this.size < maxQueueEvents && this.#bytes + bytes <= maxQueueBytes;
  }

  #settle(event: QueuedEvent): boolean {
    if (!this.#events.delete(event.id)) return false;
    this.#bytes -= event.bytes;
    this.#writer.remove(event.id);
    this.#onSettled(event);
    return true;
  }
}
