/** Sends what waits: when, how much at once, and again after what. */
import type { Outcome } from "./answer.ts";
import type { Backlog } from "./backlog.ts";
import { backoffMs } from "./backoff.ts";
import { type BatchLimit, bodyBytes, bodyOf } from "./batch.ts";
import { callBack } from "./call-back.ts";
import type { Counters } from "./counters.ts";
import type { EventQueueOptions, QueueError, QueueRules } from "./options.ts";
import type { Platform } from "./platform.ts";
import { canGzip, postEvents } from "./post-events.ts";
import { settleAccepted, settleRefused } from "./settle.ts";
import type { QueuedEvent } from "./waiting-events.ts";

/** Browsers let requests outlive their page up to 64 KiB of bodies, all of a page's together; headers want room too. */
const KEEPALIVE_BYTES = 60_000;

export class Delivery {
  readonly #options: EventQueueOptions;
  readonly #rules: QueueRules;
  readonly #platform: Platform;
  readonly #backlog: Backlog;
  readonly #counters: Counters;
  readonly #onStopped: () => void;
  readonly #abort = new AbortController();
  readonly #underWay = new Set<Promise<void>>();
  #key: EventQueueOptions["key"];
  #state: "running" | "stopped" | "closed" = "running";
  #inFlightEvents = 0;
  #keepaliveBytes = 0;
  #failuresInARow = 0;
  #pausedUntil = 0;
  #limit: BatchLimit;
  #usesGzip: boolean;
  #timerAt = Number.POSITIVE_INFINITY;
  #cancelTimer: () => void = () => undefined;

  constructor(parts: {
    options: EventQueueOptions;
    rules: QueueRules;
    platform: Platform;
    backlog: Backlog;
    counters: Counters;
    onStopped: () => void;
  }) {
    this.#options = parts.options;
    this.#rules = parts.rules;
    this.#platform = parts.platform;
    this.#backlog = parts.backlog;
    this.#counters = parts.counters;
    this.#onStopped = parts.onStopped;
    this.#key = parts.options.key;
    this.#limit = { ...parts.rules.limit };
    this.#usesGzip = parts.options.gzip === true && canGzip;
  }

  get state() {
    return this.#state;
  }

  get inFlightEvents(): number {
    return this.#inFlightEvents;
  }

  /** Goes on after the service refused the key or the address. */
  resume(key?: EventQueueOptions["key"]): void {
    if (key !== undefined) this.#key = key;
    if (this.#state === "stopped") this.#state = "running";
    this.pump();
  }

  /** Sends what is due as far as requests are free, and comes back by itself for the rest. */
  pump(): void {
    if (this.#state !== "running") return;
    const now = this.#platform.now();
    const { waiting } = this.#backlog;
    while (this.#underWay.size < this.#rules.maxInFlight && now >= this.#pausedUntil) {
      const batch = waiting.take(this.#limit, now);
      if (!batch) break;
      this.#start(batch, false);
    }
    // With all requests taken, the first to end comes back here.
    if (this.#underWay.size >= this.#rules.maxInFlight) return;
    const nextAt = waiting.nextAt();
    if (nextAt !== null) this.#wakeAt(Math.max(nextAt, this.#pausedUntil, now), now);
  }

  /**
   * Sends in requests that outlive the page, as far as browsers allow it; the rest stays in the store. Synchronous, for
   * nothing that a page awaits while it goes is sure to come. `despitePause`: what stays would be lost.
   */
  sendBeforeHide({ despitePause }: { despitePause: boolean }): void {
    if (this.#state !== "running") return;
    if (this.#platform.now() < this.#pausedUntil && !despitePause) return;
    const { waiting } = this.#backlog;
    waiting.hurry();
    for (;;) {
      const room = KEEPALIVE_BYTES - this.#keepaliveBytes;
      const limit = { ...this.#limit, bytes: Math.min(room, this.#limit.bytes) };
      const batch = waiting.take(limit, this.#platform.now());
      if (!batch) return;
      if (bodyBytes(batch.map(({ bytes }) => bytes)) > room) {
        waiting.putPart(batch);
        return;
      }
      this.#start(batch, true);
    }
  }

  /** Sends nothing any more, and resolves once no request is under way. */
  async close(): Promise<void> {
    this.#state = "closed";
    this.#cancelTimer();
    this.#abort.abort();
    await Promise.all(this.#underWay);
  }

  #wakeAt(at: number, now: number): void {
    if (this.#timerAt <= at) return;
    this.#cancelTimer();
    this.#timerAt = at;
    this.#cancelTimer = this.#platform.schedule(() => {
      this.#timerAt = Number.POSITIVE_INFINITY;
      this.pump();
    }, at - now);
  }

  #start(batch: QueuedEvent[], keepalive: boolean): void {
    const sending = this.#send(batch, keepalive).finally(() => {
      this.#underWay.delete(sending);
      this.pump();
    });
    this.#underWay.add(sending);
  }

  async #send(batch: QueuedEvent[], keepalive: boolean): Promise<void> {
    const bytes = keepalive ? bodyBytes(batch.map((event) => event.bytes)) : 0;
    // Gzipping takes time that a page on its way out does not have.
    const gzip = this.#usesGzip && !keepalive;
    this.#keepaliveBytes += bytes;
    this.#inFlightEvents += batch.length;
    this.#counters.requests++;
    const request = {
      endpoint: this.#options.endpoint,
      key: this.#key,
      body: bodyOf(batch),
      count: batch.length,
      gzip,
      keepalive,
      timeoutMs: this.#rules.requestTimeoutMs,
      signal: this.#abort.signal,
    };
    const outcome = await postEvents(request, this.#platform);
    this.#keepaliveBytes -= bytes;
    this.#inFlightEvents -= batch.length;
    this.#conclude(batch, outcome, gzip);
  }

  #conclude(batch: QueuedEvent[], outcome: Outcome, gzip: boolean): void {
    if (gzip && isUnreadGzip(outcome)) {
      this.#sendPlain(batch);
      return;
    }
    switch (outcome.kind) {
      case "accepted":
        this.#failuresInARow = 0;
        this.#limit.events = Math.min(this.#rules.limit.events, this.#limit.events * 2);
        this.#settle(settleAccepted(batch, outcome), outcome.retryAfterMs);
        break;
      case "refused":
        this.#failuresInARow = 0;
        this.#settle(settleRefused(batch, outcome), null);
        break;
      case "stopped":
        this.#putBack(batch);
        this.#stop(outcome);
        break;
      case "failed":
        this.#retry(batch, outcome);
    }
  }

  #settle(
    { accepted, rejected, delayed, parts }: ReturnType<typeof settleAccepted>,
    retryAfterMs: number | null,
  ): void {
    const { waiting } = this.#backlog;
    for (const part of parts) waiting.putPart(part);
    const now = this.#platform.now();
    for (const event of delayed) {
      event.refusals++;
      event.dueAt = now + this.#backoffMs(event.refusals, retryAfterMs);
      waiting.delay(event);
    }
    for (const event of accepted) this.#backlog.accept(event);
    for (const { event, rejection } of rejected) this.#backlog.reject(event, rejection);
  }

  #retry(batch: QueuedEvent[], outcome: Extract<Outcome, { kind: "failed" }>): void {
    if (outcome.mayBeSize) {
      this.#limit.events = Math.max(1, Math.ceil(batch.length / 2));
      for (const event of batch) event.dueAt = 0;
      // Behind the others: if one of these is at fault, the others need not wait for it.
      this.#backlog.waiting.add(batch);
    } else {
      this.#putBack(batch);
    }
    if (this.#state === "closed") return;
    this.#counters.failures++;
    this.#failuresInARow++;
    const now = this.#platform.now();
    const retryInMs = this.#backoffMs(this.#failuresInARow, outcome.retryAfterMs);
    this.#pausedUntil = Math.max(this.#pausedUntil, now + retryInMs);
    const { status, message, cause } = outcome;
    this.#report({
      kind: "request",
      message,
      retryInMs,
      ...(status === undefined ? {} : { status }),
      ...(cause === undefined ? {} : { cause }),
    });
    this.#backlog.dropExpired(now);
  }

  #stop({ status, message }: Extract<Outcome, { kind: "stopped" }>): void {
    if (this.#state !== "running") return;
    this.#state = "stopped";
    this.#onStopped();
    this.#report({ kind: "stopped", status, message });
  }

  #sendPlain(batch: QueuedEvent[]): void {
    this.#usesGzip = false;
    this.#putBack(batch);
    const message = "the service does not read gzip; bodies go uncompressed from here on";
    this.#report({ kind: "request", message, retryInMs: 0 });
  }

  #putBack(batch: QueuedEvent[]): void {
    for (const event of batch) event.dueAt = 0;
    this.#backlog.waiting.putBack(batch);
  }

  #backoffMs(failures: number, retryAfterMs: number | null): number {
    return backoffMs(failures, retryAfterMs, this.#rules.backoff, this.#platform.random);
  }

  #report(error: QueueError): void {
    callBack(this.#options.onError, error);
  }
}

/** A service that does not read gzip says so, or takes the body for broken JSON. */
function isUnreadGzip(outcome: Outcome): boolean {
  return outcome.kind === "refused"
    ? outcome.type === "malformed_json"
    : outcome.kind === "stopped" && outcome.status === 415;
}
