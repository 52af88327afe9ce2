import type { BackoffRules } from "./backoff.ts";
import { type BatchLimit, SERVICE_LIMIT } from "./batch.ts";
import type { EventStore } from "./event-store.ts";
import type { RejectedEvent, WireEvent } from "./generated/event-types.ts";

/** Why an event was given up without the service having judged it. */
export type DropReason =
  /** The queue was full: the oldest event, or under `whenFull: "refuse"` the newest. */
  | "full"
  /** No request can carry it. */
  | "too_large"
  /** It waited longer than `maxAgeMs`. */
  | "expired"
  /** It was tracked after close(), or waited in memory alone when the queue was closed. */
  | "closed";

/** Something a queue could not do. It goes on by itself unless `kind` is `stopped`. */
export interface QueueError {
  /**
   * `request`: a request failed and is repeated. `stopped`: the service refuses the key or knows no such address; nothing
   * is sent until `resume()`. `store`: events could not be written to or read from the store; they are sent from memory.
   */
  kind: "request" | "stopped" | "store";
  message: string;
  /** Of the answer, where there was one. */
  status?: number;
  /** When the request is repeated at the earliest, in milliseconds from now. */
  retryInMs?: number;
  cause?: unknown;
}

/** An event the service judged and did not take; it will not be sent again. */
export type Rejection = Omit<RejectedEvent, "index" | "type"> & {
  type: RejectedEvent["type"] | (string & {});
};

export interface EventQueueOptions {
  /** The address events are posted to: `https://prices.example.com/api/v1/events`. */
  endpoint: string;
  /** An API key or a JWT, or what gives one; asked before each request. */
  key: string | (() => string | Promise<string>);
  /** The time that events get, milliseconds; the wall clock by default. */
  clock?: (() => number) | undefined;
  /** A request is sent once this many events wait; 500 at most. */
  maxBatchEvents?: number | undefined;
  /** A request's body is smaller than this; 1 MiB - 1 at most. */
  maxBatchBytes?: number | undefined;
  /** A request is sent once an event waited this long; 2 s by default. */
  maxWaitMs?: number | undefined;
  /** Requests under way at once; 2 by default. */
  maxInFlight?: number | undefined;
  /** Unsent events kept at most; 10,000 by default. */
  maxQueueEvents?: number | undefined;
  /** Bytes of unsent events kept at most; 8 MiB by default. */
  maxQueueBytes?: number | undefined;
  /** What gives way when the queue is full; `drop_oldest` by default. Either is told to `onDropped`. */
  whenFull?: "drop_oldest" | "refuse" | undefined;
  /** An event that could not be sent for this long is dropped; 7 days by default. */
  maxAgeMs?: number | undefined;
  /** A request without an answer is given up after this; 20 s by default. */
  requestTimeoutMs?: number | undefined;
  /** The longest waits between tries: 500 ms after the first failure, doubling to 60 s by default. */
  backoff?: Partial<BackoffRules> | undefined;
  /** Sends bodies gzipped where the platform can; off by default. */
  gzip?: boolean | undefined;
  /** Where unsent events are kept; IndexedDB by default where there is one, else memory. */
  store?: EventStore | undefined;
  onRejected?: ((event: WireEvent, rejection: Rejection) => void) | undefined;
  /** Events that were given up, by reason. Nothing is dropped without a call. */
  onDropped?: ((count: number, reason: DropReason) => void) | undefined;
  onError?: ((error: QueueError) => void) | undefined;
}

/** What a queue has done since it was made, and what it holds. */
export interface QueueStats {
  state: "running" | "stopped" | "closed";
  /** Events not yet settled, those under way included. */
  queued: number;
  queuedBytes: number;
  inFlight: number;
  tracked: number;
  /** Taken over from the store: an earlier run's, or a closed tab's. */
  adopted: number;
  accepted: number;
  rejected: number;
  dropped: Record<DropReason, number>;
  requests: number;
  /** Requests that failed and were repeated, or will be. */
  failures: number;
  storeFailures: number;
}

/** The options with everything decided. */
export interface QueueRules {
  limit: BatchLimit;
  maxWaitMs: number;
  maxInFlight: number;
  maxQueueEvents: number;
  maxQueueBytes: number;
  dropsOldest: boolean;
  maxAgeMs: number;
  requestTimeoutMs: number;
  backoff: BackoffRules;
}

/** Throws a RangeError on a number that is none, or below its least. */
export function queueRulesFrom(options: EventQueueOptions): QueueRules {
  const number = (name: keyof EventQueueOptions, fallback: number, least: number): number => {
    const value: unknown = options[name] ?? fallback;
    if (typeof value === "number" && value >= least) return value;
    throw new RangeError(`${name} must be a number of at least ${least}, not ${String(value)}`);
  };
  return {
    limit: {
      events: Math.min(SERVICE_LIMIT.events, number("maxBatchEvents", SERVICE_LIMIT.events, 1)),
      bytes: Math.min(SERVICE_LIMIT.bytes, number("maxBatchBytes", SERVICE_LIMIT.bytes, 3)),
    },
    maxWaitMs: number("maxWaitMs", 2_000, 0),
    maxInFlight: number("maxInFlight", 2, 1),
    maxQueueEvents: number("maxQueueEvents", 10_000, 1),
    maxQueueBytes: number("maxQueueBytes", 8 * 1024 * 1024, 1),
    dropsOldest: options.whenFull !== "refuse",
    maxAgeMs: number("maxAgeMs", 7 * 24 * 3_600_000, 1),
    requestTimeoutMs: number("requestTimeoutMs", 20_000, 1),
    backoff: { baseMs: 500, capMs: 60_000, ...options.backoff },
  };
}
