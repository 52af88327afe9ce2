import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { createMetrics, type Metrics } from "../../../contract/metrics.ts";
import {
  createDecisionCache,
  DECISION_LIVES_MS,
  type DecisionCache,
  MAX_DECISIONS,
} from "../../../workers/pricing/decision-cache.ts";

let now = 0;
let metrics: Metrics;
let cache: DecisionCache<{ id: string }>;
beforeEach(() => {
  now = 1_000_000;
  metrics = createMetrics();
  cache = createDecisionCache(metrics, () => now);
});

const metricOf = (series: string) => {
  const line = metrics
    .text()
    .split("\n")
    .find((one) => one.startsWith(`${series} `));
  return Number(line?.slice(series.length));
};

describe("the cache of decisions", () => {
  it("gives back what was put under a key, until half a minute later", () => {
    const decided = { id: "a" };
    cache.set("a", decided);
    now += DECISION_LIVES_MS;
    expect(cache.get("a")).toBe(decided);
    now += 1;
    expect(cache.get("a")).toBeUndefined();
  });

  it("holds so many and no more, and lets go of the least recently used", () => {
    for (let i = 0; i < MAX_DECISIONS; i++) cache.set(`${i}`, { id: `${i}` });
    expect(cache.get("0")).toBeDefined();
    cache.set("one more", { id: "one more" });
    expect(cache.get("1")).toBeUndefined();
    expect(cache.get("0")).toBeDefined();
    expect(metricOf("pricing_decision_cache_entries")).toBe(MAX_DECISIONS);
    expect(metricOf("pricing_decision_cache_evictions_total")).toBe(1);
  });

  it("counts hits and misses", () => {
    cache.set("a", { id: "a" });
    for (const key of ["a", "a", "b"]) cache.get(key);
    expect(metricOf('pricing_decision_cache_looks_total{outcome="hit"}')).toBe(2);
    expect(metricOf('pricing_decision_cache_looks_total{outcome="miss"}')).toBe(1);
  });

  it("never gives anything but what was put last under that very key", () => {
    const someKey = fc.integer({ min: 0, max: 20 }).map(String);
    const someStep = fc.oneof(
      fc.record({ kind: fc.constant("set" as const), key: someKey }),
      fc.record({ kind: fc.constant("get" as const), key: someKey }),
      fc.record({ kind: fc.constant("pass" as const), ms: fc.nat({ max: DECISION_LIVES_MS }) }),
    );
    fc.assert(
      fc.property(fc.array(someStep, { maxLength: 60 }), (steps) => {
        const own = createDecisionCache<{ id: string }>(createMetrics(), () => now);
        const known = new Map<string, { decided: { id: string }; at: number }>();
        for (const step of steps) {
          if (step.kind === "pass") now += step.ms;
          else if (step.kind === "set") {
            const decided = { id: step.key };
            own.set(step.key, decided);
            known.set(step.key, { decided, at: now });
          } else {
            const entry = known.get(step.key);
            const isThere = entry !== undefined && now - entry.at <= DECISION_LIVES_MS;
            expect(own.get(step.key)).toBe(isThere ? entry.decided : undefined);
          }
        }
      }),
    );
  });
});
