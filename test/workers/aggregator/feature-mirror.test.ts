import { describe, expect, it } from "vitest";
import { createBreaker } from "../../../contract/breaker.ts";
import { mirrorFieldsFrom, readMirroredFeatures } from "../../../contract/feature-mirror.ts";
import { createMetrics } from "../../../contract/metrics.ts";
import { FEATURE_NAMES, FEATURE_SET_VERSION } from "../../../domain/features.ts";
import type { FeatureSnapshot } from "../../../domain/snapshot.ts";
import type { EpochMs, RegionId } from "../../../domain/units.ts";
import { FeatureMirror } from "../../../workers/aggregator/feature-mirror.ts";
import { featureMirrorFrom } from "../../../workers/aggregator/feature-mirror-from.ts";
import { mirrorMetrics } from "../../../workers/aggregator/mirror-metrics.ts";

const REGION = "nyc-161" as RegionId;

function snapshot(tick: number): FeatureSnapshot {
  return {
    ...{ regionId: REGION, tick, featureSetVersion: FEATURE_SET_VERSION },
    asOf: (tick * 1_000) as EpochMs,
    madeAt: (tick * 2_000) as EpochMs,
    features: FEATURE_NAMES.map((_, i) => (i % 5 === 0 ? null : Math.fround(i / 7))),
  } as FeatureSnapshot;
}

/** A mirror on a store of its own; `answers` decides what becomes of each write. */
function mirrorOn(answer: (tick: number) => Promise<"written" | "outdated">) {
  const ticks: number[] = [];
  const logged: string[] = [];
  const clock = { now: 100_000 };
  const registry = createMetrics();
  const metrics = mirrorMetrics(registry);
  const mirror = new FeatureMirror({
    store: {
      replace: (_, fields) => {
        ticks.push(Number(fields.tick));
        return answer(Number(fields.tick));
      },
    },
    breaker: createBreaker({ failuresToOpen: 3, openMs: 5_000 }),
    wallNow: () => clock.now,
    log: (_, message) => void logged.push(message),
    metrics,
  });
  return { mirror, ticks, clock, metrics, logged };
}

describe("the feature mirror", () => {
  it("writes every tick while there is time for it", async () => {
    const { mirror, ticks, clock, metrics } = mirrorOn(async () => "written");
    for (let tick = 1; tick <= 3; tick++) {
      await mirror.offer(snapshot(tick));
      clock.now += 1_000;
    }
    expect(ticks).toEqual([1, 2, 3]);
    expect(metrics.written.value).toBe(3);
  });

  it("of ticks that come while it writes keeps the newest, and nobody waits for another's", async () => {
    const write = Promise.withResolvers<"written">();
    const { mirror, ticks, clock } = mirrorOn(() => write.promise);
    const first = mirror.offer(snapshot(1));
    for (let tick = 2; tick <= 9; tick++) await mirror.offer(snapshot(tick));
    clock.now += 1_000;
    write.resolve("written");
    await first;
    expect(ticks).toEqual([1, 9]);
  });

  it("does not write more often than once a second", async () => {
    const { mirror, ticks, clock } = mirrorOn(async () => "written");
    await mirror.offer(snapshot(1));
    clock.now += 900;
    const startedAt = performance.now();
    await mirror.offer(snapshot(2));
    expect(performance.now() - startedAt).toBeGreaterThan(80);
    expect(ticks).toEqual([1, 2]);
  });

  it("leaves a store alone that failed, and finds it again", async () => {
    let isUp = false;
    const { mirror, ticks, clock, metrics, logged } = mirrorOn(async () => {
      if (!isUp) throw new Error("down");
      return "written";
    });
    for (let tick = 1; tick <= 6; tick++) {
      await mirror.offer(snapshot(tick));
      clock.now += 1_000;
    }
    expect(ticks).toEqual([1, 2, 3]);
    expect(metrics.failed.value).toBe(3);
    expect(metrics.skipped.value).toBe(3);
    expect(logged.length).toBe(3);
    isUp = true;
    clock.now += 5_000;
    await mirror.offer(snapshot(7));
    expect(ticks.at(-1)).toBe(7);
    expect(metrics.written.value).toBe(1);
  });

  it("is there only where both its address and its token are known", () => {
    const ports = {
      wallNow: () => 0,
      log: () => undefined,
      metrics: mirrorMetrics(createMetrics()),
    };
    const url = "https://redis.test";
    expect(featureMirrorFrom({}, ports)).toBeNull();
    expect(featureMirrorFrom({ UPSTASH_REDIS_REST_URL: url }, ports)).toBeNull();
    expect(
      featureMirrorFrom({ UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: "t" }, ports),
    ).toBeInstanceOf(FeatureMirror);
  });
});

describe("mirrored fields", () => {
  it("read back as what they were, whether or not a client makes numbers of texts", () => {
    const fields = mirrorFieldsFrom(snapshot(12));
    expect(Object.keys(fields)).not.toContain(FEATURE_NAMES[0]);
    const asNumbers = Object.fromEntries(
      Object.entries(fields).map(([name, text]) => [
        name,
        Number.isNaN(Number(text)) ? text : Number(text),
      ]),
    );
    for (const hash of [fields, asNumbers]) {
      const read = readMirroredFeatures(REGION, hash);
      expect(read).toMatchObject({
        region_id: REGION,
        tick: 12,
        as_of: "1970-01-01T00:00:12.000Z",
      });
      expect(FEATURE_NAMES.map((name) => read?.features[name])).toEqual(snapshot(12).features);
    }
  });

  it("read as nothing where there are none, and not at all where they are something else", () => {
    expect(readMirroredFeatures(REGION, null)).toBeNull();
    expect(readMirroredFeatures(REGION, {})).toBeNull();
    expect(() => readMirroredFeatures(REGION, { a: "hash" })).toThrow();
  });
});
