import { describe, expect, it } from "vitest";
import { fitCurves } from "../../data/hotel/fit-curves.ts";
import { loadBookingGroups } from "../../data/hotel/tables.ts";
import { loadPack, planAt } from "../../data/pack-plans.ts";
import { decimalFrom } from "../../domain/money.ts";
import { faultsInRegions, warningsOf } from "../../domain/rule-faults.ts";
import type { EpochMs } from "../../domain/units.ts";
import {
  PACKS,
  type Pack,
  packRegions,
  packSituations,
  priceOfSituation,
} from "../support/rule-packs.ts";

/** Before any dated layer of a pack has begun. */
const NOW = Date.parse("2026-11-01T00:00:00Z") as EpochMs;
const TODAY = Date.parse("2026-11-27T00:00:00Z") as EpochMs;

describe.each(PACKS)("the pack %s", (pack) => {
  it("is sound, has no layer without effect, and prices all that its regions sell", async () => {
    const document = await loadPack(pack);
    expect(warningsOf(document, NOW)).toEqual([]);
    expect(faultsInRegions(document, await packRegions(pack))).toEqual([]);
  });

  it("prices its sample situations as they were worked out by hand, each factor and adjustment of them", async () => {
    const document = await loadPack(pack);
    const situations = await packSituations(pack);
    expect(situations.length).toBeGreaterThanOrEqual(5);
    for (const situation of situations) {
      const { name, expected } = situation;
      const price = priceOfSituation(document, situation);
      const { currency, priceMinor, baseMinor, factors, adjustments } = price;
      expect([decimalFrom(priceMinor, currency), decimalFrom(baseMinor, currency)], name).toEqual([
        expected.price,
        expected.base_price,
      ]);
      for (const [factor, value] of Object.entries(factors))
        expect(value, `${name}: ${factor}`).toBeCloseTo(expected.factors[factor] ?? 0, 8);
      for (const [adjustment, value] of Object.entries(adjustments))
        expect(value, `${name}: ${adjustment}`).toBeCloseTo(
          expected.adjustments[adjustment] ?? 0,
          8,
        );
      const named = Object.keys({ ...expected.factors, ...expected.adjustments });
      expect(Object.keys({ ...factors, ...adjustments }), name).toEqual(
        expect.arrayContaining(named),
      );
      expect(expected.because, name).toMatch(/^[A-Z].*\.$/s);
    }
  });

  it("has a situation in which each of its curves moves the price", async () => {
    const document = await loadPack(pack);
    const situations = await packSituations(pack);
    const curves = new Set(
      document.layers.flatMap(({ settings }) => Object.keys(settings.curves ?? {})),
    );
    const moved = new Set(situations.flatMap(({ expected }) => Object.keys(expected.factors)));
    expect([...curves].filter((curve) => !moved.has(curve))).toEqual([]);
  });
});

describe("the packs", () => {
  it.each<[Pack, string, string]>([
    ["hospitality", "lisbon-city", "room_a"],
    ["e-commerce", "uk-shop", "sku_22423"],
    ["food-delivery", "chicago-loop", "standard_delivery"],
  ])(
    "limit how fast prices move and keep them from flapping: %s",
    async (pack, region, product) => {
      const plan = planAt(await loadPack(pack), region, product, TODAY);
      expect(plan.maxStepMinor).toBeGreaterThan(plan.hysteresisMinor);
      expect(plan.hysteresisMinor).toBeGreaterThan(0);
    },
  );
});

describe("the pack hospitality", () => {
  it("has the curves and base prices that are fitted to the bookings before 2017", async () => {
    const document = await loadPack("hospitality");
    const groups = await loadBookingGroups();
    const fitted = fitCurves(groups.filter(({ year }) => year < 2017));
    const said = (pointsOf: [number, number][], values: readonly (readonly [number, number])[]) =>
      expect(values.map(([x, y]) => [x, y])).toEqual(pointsOf);
    for (const [hotel, region] of [
      ["city", "lisbon-city"],
      ["resort", "algarve-resort"],
    ] as const) {
      for (const room of ["A", "D", "E"]) {
        const plan = planAt(document, region, `room_${room.toLowerCase()}`, TODAY);
        expect(plan.baseMinor).toBe(Math.round(fitted.baseRates[`${hotel} ${room}`] ?? 0) * 100);
        const curves = Object.fromEntries(
          [...plan.curves, ...plan.attributes].map(({ name, points }) => [name, points]),
        );
        said(fitted.occupancy, curves.occupancy ?? []);
        said(fitted.leadTime, curves.lead_time ?? []);
        // 0 stands for a request that does not say, and is no booking's.
        said(fitted.weekday, curves.weekday?.slice(1) ?? []);
        said(fitted.season[hotel] ?? [], curves.season?.slice(1) ?? []);
      }
    }
  });
});
