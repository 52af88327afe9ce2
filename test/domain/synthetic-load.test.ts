import { describe, expect, test } from "vitest";
import { eventSchema } from "../../contract/events.ts";
import { NEW_YORK_TIME_ZONE } from "../../data/nyc/period.ts";
import { type EpochMs, HOUR_MS, MINUTE_MS, type RegionId, SECOND_MS } from "../../domain/units.ts";
import { drawsFor } from "../../local/feed/random.ts";
import { drawPoisson, zipfRanks } from "../../local/feed/synthetic/draw.ts";
import { burstAt, diurnalFactor } from "../../local/feed/synthetic/load-shape.ts";
import { SyntheticLoad } from "../../local/feed/synthetic/synthetic-load.ts";

const NOON = Date.UTC(2026, 10, 20, 17);
const regionIds = Array.from({ length: 40 }, (_, i) => `r-${i}` as RegionId);
const loadOf = (seed = 1, eventsPerS = 200) =>
  new SyntheticLoad({ seed, regionIds, timeZone: NEW_YORK_TIME_ZONE, eventsPerS });
const seconds = (load: SyntheticLoad, count: number, from = NOON / SECOND_MS) =>
  Array.from({ length: count }, (_, i) => load.eventsOfSecond(from + i)).flat();

describe("a synthetic load", () => {
  test("is the same again for the same seed, whatever was asked before", () => {
    const whole = seconds(loadOf(), 40);
    const load = loadOf();
    load.eventsOfSecond(NOON / SECOND_MS + 90);
    expect(seconds(load, 40)).toEqual(whole);
    expect(seconds(loadOf(2), 40)).not.toEqual(whole);
    expect(loadOf().eventsOfMinute(NOON as EpochMs)).toEqual(seconds(loadOf(), 60));
  });

  test("holds events that ingest takes, sent within their second and in order", () => {
    const from = NOON / SECOND_MS;
    for (let second = from; second < from + 10; second++) {
      let last = 0;
      for (const { at, event } of loadOf().eventsOfSecond(second)) {
        expect(eventSchema.safeParse(event).error).toBeUndefined();
        expect(Math.floor(at / SECOND_MS)).toBe(second);
        expect(Date.parse(event.timestamp as string)).toBeLessThanOrEqual(at);
        expect(at).toBeGreaterThanOrEqual(last);
        last = at;
      }
    }
  });

  test("repeats about one in twenty under the same key, and few events are very late", () => {
    const load = seconds(loadOf(), 300);
    const keys = new Set(load.map(({ event }) => event.idempotency_key));
    const repeats = 1 - keys.size / load.length;
    expect(repeats).toBeGreaterThan(0.03);
    expect(repeats).toBeLessThan(0.07);
    const late = load.filter(
      ({ at, event }) => at - Date.parse(event.timestamp as string) > 9 * MINUTE_MS,
    );
    expect(late.length / load.length).toBeGreaterThan(0.0003);
    expect(late.length / load.length).toBeLessThan(0.003);
  });

  test("keeps to its mean rate over a day, with a peak and a quiet night", () => {
    const hours = Array.from(
      { length: 24 },
      (_, h) => seconds(loadOf(1, 40), 60, (NOON + h * HOUR_MS) / SECOND_MS).length / 60,
    );
    const mean = hours.reduce((sum, rate) => sum + rate, 0) / 24;
    expect(mean).toBeGreaterThan(40 * 0.9);
    expect(mean).toBeLessThan(40 * 1.5);
    expect(Math.max(...hours) / Math.min(...hours)).toBeGreaterThan(4);
  });

  test("follows the local day across the end of daylight saving", () => {
    const sixPm = (day: number, utcHour: number) => Date.UTC(2026, 9, day, utcHour) as EpochMs;
    const before = diurnalFactor(sixPm(31, 22), NEW_YORK_TIME_ZONE);
    const after = diurnalFactor(Date.UTC(2026, 10, 1, 23) as EpochMs, NEW_YORK_TIME_ZONE);
    expect(after).toBe(before);
  });
});

test("a burst lasts 40 s and is in one region", () => {
  const bursts = Array.from({ length: 3_600 }, (_, s) =>
    burstAt((NOON + s * SECOND_MS) as EpochMs, 1, 40),
  );
  const bursting = bursts.filter((burst) => burst !== null);
  expect(bursting.length / 40).toBeGreaterThan(2);
  expect(bursting.length % 40).toBeLessThanOrEqual(12);
});

test("drawPoisson() has the mean it is asked for, small and large", () => {
  for (const mean of [0.3, 5, 400]) {
    const draws = drawsFor("poisson", mean);
    const counts = Array.from({ length: 4_000 }, () => drawPoisson(draws, mean));
    const average = counts.reduce((sum, count) => sum + count, 0) / counts.length;
    const variance = counts.reduce((sum, count) => sum + (count - average) ** 2, 0) / counts.length;
    expect(average / mean).toBeCloseTo(1, 1);
    expect(variance / mean).toBeGreaterThan(0.85);
    expect(variance / mean).toBeLessThan(1.15);
  }
});

test("zipfRanks() gives rank k a probability in proportion to 1 / (k + 1)", () => {
  const draws = drawsFor("zipf");
  const drawRank = zipfRanks(100, 1);
  const counts = new Array<number>(100).fill(0);
  for (let i = 0; i < 50_000; i++) {
    const rank = drawRank(draws);
    counts[rank] = (counts[rank] ?? 0) + 1;
  }
  expect((counts[0] ?? 0) / (counts[9] ?? 1)).toBeGreaterThan(8);
  expect((counts[0] ?? 0) / (counts[9] ?? 1)).toBeLessThan(12);
  expect(counts.every((count) => count > 0)).toBe(true);
});
