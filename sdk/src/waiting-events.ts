/** The unsent events of a queue that are not under way, in three places: fresh, cut out of a refused body, or told to wait. */
import { type BatchLimit, batchLength } from "./batch.ts";
import type { StoredEvent } from "./event-store.ts";

export interface QueuedEvent extends StoredEvent {
  /** Of `text`, as UTF-8. */
  readonly bytes: number;
  /** When it should be sent at the latest; a fresh event waits for others. */
  dueAt: number;
  /** Tries that ended in "not now" for this event alone. */
  refusals: number;
}

export class WaitingEvents {
  #fresh: QueuedEvent[] = [];
  /** Batches to be sent as they are, so that a body once split stays split. */
  #parts: QueuedEvent[][] = [];
  #delayed: QueuedEvent[] = [];

  add(events: readonly QueuedEvent[]): void {
    for (const event of events) this.#fresh.push(event);
  }

  /** Ahead of all others. */
  putBack(events: readonly QueuedEvent[]): void {
    this.#fresh = [...events, ...this.#fresh];
  }

  putPart(part: QueuedEvent[]): void {
    if (part.length > 0) this.#parts.push(part);
  }

  /** Keeps an event back until its `dueAt`. */
  delay(event: QueuedEvent): void {
    this.#delayed.push(event);
  }

  /** The next batch, or null: a part, or what is due or fills a request. Null leaves everything where it is. */
  take(limit: BatchLimit, now: number): QueuedEvent[] | null {
    const part = this.#parts.shift();
    if (part) return part;
    this.#wake(now);
    const length = batchLength(this.#fresh, limit);
    const first = this.#fresh[0];
    if (!first) return null;
    // Not everything fits into one request: that request is full.
    const isFull = length < this.#fresh.length || length >= limit.events;
    return isFull || first.dueAt <= now ? this.#fresh.splice(0, length) : null;
  }

  /** When `take` has something at the latest; null when nothing waits. */
  nextAt(): number | null {
    if (this.#parts.length > 0) return 0;
    const times = this.#delayed.map(({ dueAt }) => dueAt);
    if (this.#fresh[0]) times.push(this.#fresh[0].dueAt);
    return times.length === 0 ? null : Math.min(...times);
  }

  /** Makes everything fresh due; what was told to wait waits on. */
  hurry(): void {
    for (const event of this.#fresh) event.dueAt = 0;
  }

  /** Takes out the oldest event there is. */
  takeOldest(): QueuedEvent | undefined {
    const [part] = this.#parts;
    if (!part) return this.#fresh.shift() ?? this.#delayed.shift();
    const event = part.shift();
    if (part.length === 0) this.#parts.shift();
    return event;
  }

  /** Takes out the events that were tracked before an instant. */
  takeTrackedBefore(at: number): QueuedEvent[] {
    const isOld = ({ trackedAt }: QueuedEvent) => trackedAt < at;
    const old = [...this].filter(isOld);
    if (old.length === 0) return old;
    const rest = (events: QueuedEvent[]) => events.filter((event) => !isOld(event));
    this.#fresh = rest(this.#fresh);
    this.#delayed = rest(this.#delayed);
    this.#parts = this.#parts.map(rest).filter((part) => part.length > 0);
    return old;
  }

  *[Symbol.iterator](): Generator<QueuedEvent> {
    for (const part of this.#parts) yield* part;
    yield* this.#fresh;
    yield* this.#delayed;
  }

  #wake(now: number): void {
    const due = this.#delayed.filter(({ dueAt }) => dueAt <= now);
    if (due.length === 0) return;
    this.#delayed = this.#delayed.filter(({ dueAt }) => dueAt > now);
    this.putBack(due);
  }
}
