import { reset } from "cloudflare:test";
import * as fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { dayOf, LOW_WINDOW_DAYS } from "../../../domain/price-lows.ts";
import {
  DAY_MS,
  type EpochMs,
  HOUR_MS,
  type MinorUnits,
  SECOND_MS,
} from "../../../domain/units.ts";
import { T0 } from "../../support/region-deliveries.ts";
import { inRegion } from "./region-life.ts";

beforeEach(() => reset());

const ZONE = "UTC";

/** Whoever prices a region: asks for a tick, tells what it made of it. */
type Teller = (
  priceMinor: number,
  announced?: EpochMs | null,
  slot?: string,
) => Promise<{ low: number | null; asOf: EpochMs }>;

/** Runs `work` in a region; `tell` answers the low that the snapshot had on which the price was made. */
function inShop(
  work: (tell: Teller, advance: (ms: number) => void, restart: () => void) => Promise<void>,
): Promise<void> {
  return inRegion("nyc-161", async (begin, clocks) => {
    let { region } = begin();
    const tell: Teller = async (priceMinor, announced = null, slot = "ride") => {
      // So that every price has a tick of its own.
      clocks.advance(31 * SECOND_MS);
      const snapshot = await region.snapshot(0, ZONE);
      if (!snapshot) throw new Error("no snapshot");
      const { asOf, tick, lows } = snapshot;
      const told = { [slot]: [{ at: asOf, priceMinor: priceMinor as MinorUnits }] };
      await region.recordDecided(tick, null, told, announced === null ? {} : { ride: announced });
      return { low: lows.ride ?? null, asOf };
    };
    await work(
      tell,
      (ms) => clocks.advance(ms),
      () => {
        ({ region } = begin());
      },
    );
  });
}

describe("the lowest price of thirty days", () => {
  it("is in the snapshot of the first reduced price, and stays while the reduction is announced", () =>
    inShop(async (tell, advance, restart) => {
      await tell(1_000);
      await tell(900);
      advance(5 * DAY_MS);
      await tell(1_200);
      advance(HOUR_MS);
      const since = (T0 + 5 * DAY_MS + HOUR_MS) as EpochMs;
      expect((await tell(600, since)).low).toBe(900);
      expect((await tell(500, since)).low).toBe(900);
      restart();
      advance(29 * DAY_MS);
      expect((await tell(500, since)).low).toBe(900);
    }));

  it("does not count reduced prices against a later reduction once they are thirty days old, and counts them before", () =>
    inShop(async (tell, advance) => {
      await tell(1_000);
      const first = (await tell(600, (T0 + SECOND_MS) as EpochMs)).asOf;
      advance(10 * DAY_MS);
      await tell(1_000);
      const second = (await tell(800, (first + 10 * DAY_MS) as EpochMs)).asOf;
      expect((await tell(800, (first + 10 * DAY_MS) as EpochMs)).low).toBe(600);
      advance(33 * DAY_MS);
      await tell(1_000);
      await tell(1_000);
      const third = (second + 33 * DAY_MS) as EpochMs;
      expect((await tell(700, third)).low).toBe(1_000);
    }));

  it("counts what any variant of an experiment was told", () =>
    inShop(async (tell) => {
      await tell(1_000);
      await tell(950, null, "ride~exp_fares~steeper");
      const { asOf } = await tell(1_000);
      expect((await tell(700, asOf)).low).toBe(950);
    }));

  it("is unknown where nothing was told before", () =>
    inShop(async (tell) => {
      expect((await tell(700, T0)).low).toBeNull();
      expect((await tell(700, T0)).low).toBeNull();
    }));

  it("is what a list of all prices says, through any days and restarts", async () => {
    const step = fc.record({
      days: fc.integer({ min: 0, max: 20 }),
      priceMinor: fc.integer({ min: 1, max: 50 }),
      restart: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 15 }), async (steps) => {
        await reset();
        await inShop(async (tell, advance, restart) => {
          const all: { day: number; priceMinor: number }[] = [];
          for (const { days, priceMinor, restart: again } of steps) {
            advance(days * DAY_MS);
            if (again) restart();
            const { low, asOf } = await tell(priceMinor);
            const today = dayOf(asOf);
            const within = all.filter(({ day }) => day >= today - LOW_WINDOW_DAYS);
            const lowest = Math.min(...within.map((one) => one.priceMinor));
            expect(low).toBe(within.length === 0 ? null : lowest);
            all.push({ day: today, priceMinor });
          }
        });
      }),
      { numRuns: 12 },
    );
  });
});
