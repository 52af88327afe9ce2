import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decide } from "../../domain/decision.ts";
import { dayLowsIn, dayOf, LOW_WINDOW_DAYS, lowBefore } from "../../domain/price-lows.ts";
import { snapshotForProduct } from "../../domain/snapshot.ts";
import type { ToldBySlot } from "../../domain/told-prices.ts";
import { DAY_MS, type EpochMs, type MinorUnits } from "../../domain/units.ts";
import { material, RIDE, snapshot } from "../support/decision-samples.ts";

const NOON = (Date.UTC(2026, 0, 11) + DAY_MS / 2) as EpochMs;
const minor = (value: number) => value as MinorUnits;
const daysAgo = (days: number) => (NOON - days * DAY_MS) as EpochMs;

describe("lowBefore()", () => {
  it("is the lowest of thirty days whatever was told before and after them", () => {
    const price = fc.record({ day: fc.integer({ min: -80, max: 5 }), priceMinor: fc.nat(10_000) });
    fc.assert(
      fc.property(fc.array(price), (prices) => {
        const lows = new Map<number, MinorUnits>();
        for (const { day, priceMinor } of prices) {
          const at = dayOf(NOON) + day;
          lows.set(at, minor(Math.min(priceMinor, lows.get(at) ?? Number.POSITIVE_INFINITY)));
        }
        const within = prices.filter(({ day }) => day <= 0 && day >= -LOW_WINDOW_DAYS);
        const expected = within.length === 0 ? null : Math.min(...within.map((p) => p.priceMinor));
        expect(lowBefore(lows, NOON)).toBe(expected);
      }),
    );
  });
});

describe("dayLowsIn()", () => {
  it("counts a price for the day it began, and the newest for today too, in every variant's slot", () => {
    const told: ToldBySlot = {
      ride: [
        { at: daysAgo(9), priceMinor: minor(900) },
        { at: daysAgo(2), priceMinor: minor(1_100) },
      ],
      "ride~exp_fares~steeper": [{ at: NOON, priceMinor: minor(800) }],
    };
    expect([...dayLowsIn(told, NOON)]).toEqual([
      { product: "ride", day: dayOf(daysAgo(9)), priceMinor: 900 },
      { product: "ride", day: dayOf(daysAgo(2)), priceMinor: 1_100 },
      { product: "ride", day: dayOf(NOON), priceMinor: 1_100 },
      { product: "ride", day: dayOf(NOON), priceMinor: 800 },
      { product: "ride", day: dayOf(NOON), priceMinor: 800 },
    ]);
  });
});

describe("a decision", () => {
  const lows = { ride: minor(850), other: minor(1) };

  it("without an announced reduction tells no low", () => {
    const decision = decide(material({ snapshot: { ...snapshot(), lows } }));
    expect(decision).toMatchObject({ announcedSince: null, lowestBeforeMinor: null });
  });

  it("keeps of its snapshot the low of its own product", () => {
    expect(snapshotForProduct({ ...snapshot(), lows }, RIDE).lows).toEqual({ ride: 850 });
  });
});
