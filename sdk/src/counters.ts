import type { QueueStats } from "./options.ts";

/** The part of the stats that only grows. */
export type Counters = Omit<QueueStats, "state" | "queued" | "queuedBytes" | "inFlight">;

/** All zero. */
export function newCounters(): Counters {
  return {
    tracked: 0,
    adopted: 0,
    accepted: 0,
    rejected: 0,
    dropped: { full: 0, too_large: 0, expired: 0, closed: 0 },
    requests: 0,
    failures: 0,
    storeFailures: 0,
  };
}
