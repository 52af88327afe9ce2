/** The unsent events of a queue that are not under way, in three places: fresh, cut out of a refused body, or told to wait. */
import { type BatchLimit, BRACKETS_BYTES, batchLength } from "./batch.ts";
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
  #freshBytes = 0;
  /** Batches to be sent as they are, so that a body once split stays split. */
  #parts: QueuedEvent[][] = [];
  #delayed: QueuedEvent[] = [];

  add(events: readonly QueuedEvent[]): void {
    for (const event of events) {
      this.#fresh.push(event);
      this.#freshBytes += event.bytes;
    }
  }

  /** Ahead of all others. */
  putBack(events: readonly QueuedEvent[]): void {
    this.#setFresh([...events, ...this.#fresh]);
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
    const first = this.#fresh[0];
    if (!first || (first.dueAt > now && !this.#isFull(limit))) return null;
    const batch = this.#fresh.splice(0, batchLength(this.#fresh, limit));
    for (const { bytes } of batch) this.#freshBytes -= bytes;
    return batch;
  }

  /** When `take` has something at the latest; null when nothing waits. */
  nextAt(): number | null {
    if (this.#parts.length > 0) return 0;
    let at = this.#fresh[0]?.dueAt ?? Number.POSITIVE_INFINITY;
    for (const { dueAt } of this.#delayed) at = Math.min(at, dueAt);
    return Number.isFinite(at) ? at : null;
  }

  /** Makes everything fresh due; what was told to wait waits on. */
  hurry(): void {
    for (const event of this.#fresh) event.dueAt = 0;
  }

  /** Takes out the oldest event there is. */
  takeOldest(): QueuedEvent | undefined {
    const [part] = this.#parts;
    if (!part) {
      const oldest = this.#fresh.shift();
      this.#freshBytes -= oldest?.bytes ?? 0;
      return oldest ?? this.#delayed.shift();
    }
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
    this.#setFresh(rest(this.#fresh));
    this.#delayed = rest(this.#delayed);
    this.#parts = this.#parts.map(rest).filter((part) => part.length > 0);
    return old;
  }

  *[Symbol.iterator](): Generator<QueuedEvent> {
    for (const part of this.#parts) yield* part;
    yield* this.#fresh;
    yield* this.#delayed;
  }

  /** True when what is fresh fills a request: one more than fits, or the most that may be. */
  #isFull(limit: BatchLimit): boolean {
    const commas = this.#fresh.length - 1;
    return (
      this.#fresh.length >= limit.events || this.#freshBytes + commas + BRACKETS_BYTES > limit.bytes
    );
  }

  #setFresh(events: QueuedEvent[]): void {
    this.#fresh = events;
    this.#freshBytes = events.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  #wake(now: number): void {
    const due = this.#delayed.filter(({ dueAt }) => dueAt <= now);
    if (due.length === 0) return;
    this.#delayed = this.#delayed.filter(({ dueAt }) => dueAt > now);
    this.putBack(due);
  }
}
