/**
 * Decisions of this isolate that are made only when somebody asks: with attributes of a request, or in a variant of an experiment.
 *
 * There may be many of them and most are asked for once, so the least recently used go. Keys name all that a decision is made from, so
 * nothing in here is ever wrong; an entry of the tick before is merely never asked for again, and ends by its age.
 */
import { LRUCache } from "lru-cache";
import type { Metrics } from "../../contract/metrics.ts";
import { armText, attributesText } from "../../domain/decision.ts";
import { type ProductType, SECOND_MS } from "../../domain/units.ts";
import type { Particulars, RegionPrices } from "./region-prices.ts";

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

/** Names all that a decision is made from: where two keys are equal, so are the decisions. */
export function cacheKeyOf(
  { region, snapshot, foresight, madeBy, decidedAt }: RegionPrices,
  productType: ProductType,
  { attributes, experiment }: Particulars,
): string {
  const { rules, regions, emergency, model } = madeBy;
  // Without a snapshot, dates of rules go by when it was decided.
  const tick = snapshot ? snapshot.tick : `at ${decidedAt}`;
  const versions = `${rules.version} ${regions.version} ${emergency?.version} ${model?.version}`;
  const particulars = `${experiment && armText(experiment)} ${attributes && attributesText(attributes)}`;
  return `${region.regionId} ${productType} ${tick} ${versions} ${foresight.source} ${particulars}`;
}
