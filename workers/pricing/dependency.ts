/** Everything this Worker asks of others goes through here: a time limit, a breaker, a count of what failed. */

import { type BreakerPolicy, createBreaker } from "../../contract/breaker.ts";
import { type Log, messageOf } from "../../contract/log.ts";
import type { Metrics } from "../../contract/metrics.ts";

/** What came of asking: a value, or why there is none. */
export type Answer<Value> = { ok: true; value: Value } | Unanswered;
export interface Unanswered {
  ok: false;
  fault: "open" | "timeout" | "failed";
  detail: string;
}

export interface Dependency {
  /** Does `work` unless the breaker is open. Work that passes the limit goes on unheard: it cannot be called back. */
  ask<Value>(work: () => Promise<Value>): Promise<Answer<Value>>;
}

export interface DependencyOptions {
  name: string;
  /** How long one answer may take. */
  limitMs: number;
  wallNow: () => number;
  log: Log;
  metrics: Metrics;
  policy?: BreakerPolicy;
}

/**
 * Within this after a dependency is back everything asks it again: its breaker is open for all of it but the last moments, in
 * which whoever was turned away comes again.
 */
export const BREAKER_PERIOD_MS = 2_000;
/** How soon to come again after a breaker turned a question away, which costs nothing. */
export const TURNED_AWAY_RETRY_MS = 200;
const POLICY: BreakerPolicy = {
  failuresToOpen: 5,
  openMs: BREAKER_PERIOD_MS - TURNED_AWAY_RETRY_MS,
};

export function createDependency(options: DependencyOptions): Dependency {
  const { name, limitMs, wallNow, log, metrics, policy = POLICY } = options;
  const breaker = createBreaker(policy);
  const failures = metrics.counter(
    "pricing_dependency_failures_total",
    "Questions to a dependency that failed or took too long.",
    { dependency: name },
  );
  const openings = metrics.counter(
    "pricing_breaker_openings_total",
    "How often a dependency began to be left alone.",
    { dependency: name },
  );
  metrics.gauge(
    "pricing_breaker_open",
    "1 while a dependency is not asked, 0.5 while it is probed, 0 while all is well.",
    () => ({ closed: 0, half_open: 0.5, open: 1 })[breaker.state(wallNow())],
    { dependency: name },
  );
  return {
    async ask(work) {
      const askedAt = wallNow();
      if (!breaker.admits(askedAt)) {
        return { ok: false, fault: "open", detail: `${name} failed just now and is left alone` };
      }
      const answer = await answerOf(work, limitMs);
      if (answer.ok) {
        breaker.succeeded();
        return answer;
      }
      const wasClosed = breaker.state(askedAt) === "closed";
      breaker.failed(askedAt);
      if (wasClosed && breaker.state(askedAt) !== "closed") openings.value += 1;
      failures.value += 1;
      const { fault, detail } = answer;
      log("warn", "a dependency did not answer", { dependency: name, fault, detail });
      return answer;
    },
  };
}

async function answerOf<Value>(
  work: () => Promise<Value>,
  limitMs: number,
): Promise<Answer<Value>> {
  try {
    const value = await within(work(), limitMs);
    if (value !== TOO_LATE) return { ok: true, value };
    return { ok: false, fault: "timeout", detail: `no answer within ${limitMs} ms` };
  } catch (error) {
    return { ok: false, fault: "failed", detail: messageOf(error) };
  }
}

export const TOO_LATE = Symbol("too late");

/** What `promise` comes to, or TOO_LATE when that takes longer than `limitMs`. */
export async function within<Value>(
  promise: Promise<Value>,
  limitMs: number,
): Promise<Value | typeof TOO_LATE> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<typeof TOO_LATE>((resolve) => {
    timer = setTimeout(() => resolve(TOO_LATE), limitMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
