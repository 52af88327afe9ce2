/**
 * A circuit breaker: after some failures in a row nothing is asked for a while, then one question probes.
 *
 * So a dependency that hangs costs its time limit a few times, not once a request.
 */
export type BreakerState = "closed" | "open" | "half_open";

export interface Breaker {
  /** Whether to ask now. The one that is let through a half-open breaker is the probe. */
  admits(now: number): boolean;
  succeeded(): void;
  failed(now: number): void;
  state(now: number): BreakerState;
}

export interface BreakerPolicy {
  /** Failures in a row that open it. */
  failuresToOpen: number;
  /** How long it stays open before a probe. */
  openMs: number;
}

export function createBreaker({ failuresToOpen, openMs }: BreakerPolicy): Breaker {
  let failures = 0;
  let retryAt = 0;
  const state = (now: number): BreakerState => {
    if (failures < failuresToOpen) return "closed";
    return now < retryAt ? "open" : "half_open";
  };
  return {
    state,
    admits(now) {
      const present = state(now);
      // A probe that is never heard of again, because its isolate lost the request, must not be the last.
      if (present === "half_open") retryAt = now + openMs;
      return present !== "open";
    },
    succeeded() {
      failures = 0;
    },
    failed(now) {
      failures += 1;
      retryAt = now + openMs;
    },
  };
}
