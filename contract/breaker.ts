/**
 * A circuit breaker: after some failures in a row nothing is asked for a while, then one question probes.
 *
 * So a dependency that hangs costs its time limit a few times, not once a request. The while is counted from when the question
 * was put that failed, not from when it was given up: a probe that hangs does not put the next one off.
 */
export type BreakerState = "closed" | "open" | "half_open";

export interface Breaker {
  /** Whether to ask now. The one that is let through a half-open breaker is the probe; there is none beside it. */
  admits(now: number): boolean;
  succeeded(): void;
  /** `askedAt`: when the question was put that was not answered. */
  failed(askedAt: number): void;
  /** Half open: a probe is out, or would be let through. */
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
  let isProbing = false;
  const isOpen = () => failures >= failuresToOpen;
  return {
    state(now) {
      if (!isOpen()) return "closed";
      return isProbing || now >= retryAt ? "half_open" : "open";
    },
    admits(now) {
      if (!isOpen()) return true;
      if (now < retryAt) return false;
      // A probe that is never heard of again, because its isolate lost the request, must not be the last.
      retryAt = now + openMs;
      isProbing = true;
      return true;
    },
    succeeded() {
      failures = 0;
      isProbing = false;
    },
    failed(askedAt) {
      failures += 1;
      isProbing = false;
      retryAt = Math.max(retryAt, askedAt + openMs);
    },
  };
}
