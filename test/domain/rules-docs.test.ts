import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { rulesFrom } from "../../contract/rules.ts";
import { planAt } from "../../data/pack-plans.ts";
import { CURVE_INPUTS } from "../../domain/curve.ts";
import { priceFrom } from "../../domain/price.ts";
import { NOTHING_KNOWN } from "../../domain/price-inputs.ts";
import { type ToldPrice, toldAfter } from "../../domain/told-prices.ts";
import { type EpochMs, plus, SECOND_MS } from "../../domain/units.ts";

const README = new URL("../../docs/rules/README.md", import.meta.url);
const T0 = Date.parse("2026-12-08T12:00:00Z") as EpochMs;

/** Rules whose curve is the multiplier itself. */
const WANTED = {
  rules: [
    {
      name: "all",
      currency: "USD",
      products: { ride: { base_price: 12 } },
      factors: {
        wanted: {
          input: "utilization",
          weight: 1,
          neutral: 1,
          points: [
            [0, 0],
            [9, 9],
          ],
        },
      },
      constraints: {
        ...{ min_multiplier: 0, max_multiplier: 9 },
        ...{ max_step_per_minute: 0.25, hysteresis: 0.05 },
      },
      rounding: 0.25,
    },
  ],
};

describe("the page on rules", () => {
  it("tells what a step limit and hysteresis make of a price as it is", async () => {
    const rows = (await readFile(README, "utf8")).matchAll(
      /^\| (\d):(\d\d) \| ([\d.]+) \| ([\d.]+) \|/gm,
    );
    const told = [...rows].map(([, minutes, seconds, wanted, price]) => ({
      at: plus(T0, (60 * Number(minutes) + Number(seconds)) * SECOND_MS),
      wanted: Number(wanted),
      price: Number(price),
    }));
    expect(told).toHaveLength(9);
    const rules = rulesFrom(WANTED);
    if (Array.isArray(rules)) throw new Error(JSON.stringify(rules));
    const plan = planAt(rules.document, "anywhere", "ride", T0);
    let before: readonly ToldPrice[] = [];
    for (const { at, wanted, price } of told) {
      const inputs = { ...NOTHING_KNOWN, utilization: wanted / 12 };
      const { priceMinor } = priceFrom(plan, inputs, { told: before, asOf: at, measures: null });
      expect(priceMinor / 100, new Date(at).toISOString()).toBe(price);
      before = toldAfter(before, { at, priceMinor }, true);
    }
  });

  it("lists every input that a curve may read", async () => {
    const page = await readFile(README, "utf8");
    const missing = CURVE_INPUTS.filter((input) => !page.includes(`\`${input}\``));
    expect(missing).toEqual([]);
  });
});
