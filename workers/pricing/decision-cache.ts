/**
 * Decisions of this isolate that are made only when somebody asks: with attributes of a request, or in a variant of an experiment.
 *
 * There may be many of them and most are asked for once, so the least recently used go. Keys name all that a decision is made from, so
 * nothing in here is ever wrong; an entry of the tick before is merely never asked for again, and ends by its age.
 */
import { LRUCache } from "lru-cache";
import type { Metrics } from "../../contract/metrics.ts";
import { SECOND_MS } from "../../domain/units.ts";

export const MAX_DECISIONS = 10_000;
/** A region says something new at least this often. */
export const DECISION_LIVES_MS = 30 * SECOND_MS;

export interface DecisionCache<Decided extends object> {
  get(key: string): Decided | undefined;
  set(key: string, decided: Decided): void;
}

/** @param wallNow read once a call, never by a timer */
export function createDecisionCache<Decided extends object>(
  metrics: Metrics,
  wallNow: () => number,
): DecisionCache<Decided> {
  const looks = (outcome: "hit" | "miss") =>
    metrics.counter(
      "pricing_decision_cache_looks_total",
      "Looks for decisions that are made only when somebody asks.",
      { outcome },
    );
  const hits = looks("hit");
  const misses = looks("miss");
  const evictions = metrics.counter(
    "pricing_decision_cache_evictions_total",
    "Decisions that made room for others before their time was over.",
  );
  const cache = new LRUCache<string, Decided>({
    max: MAX_DECISIONS,
    ttl: DECISION_LIVES_MS,
    // Otherwise it keeps the time by a timer, which would belong to some request.
    ttlResolution: 0,
    perf: { now: wallNow },
    dispose: (_decided, _key, reason) => {
      if (reason === "evict") evictions.value += 1;
    },
  });
  metrics.gauge(
    "pricing_decision_cache_entries",
    "Decisions in memory that were made because somebody asked.",
    () => cache.size,
  );
  return {
    get(key) {
      const decided = cache.get(key);
      (decided === undefined ? misses : hits).value += 1;
      return decided;
    },
    set(key, decided) {
      cache.set(key, decided);
    },
  };
}
