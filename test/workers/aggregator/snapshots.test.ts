import { reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { snapshotKey } from "../../../contract/store-keys.ts";
import type { EventType } from "../../../domain/event.ts";
import { FEATURE_NAMES } from "../../../domain/features.ts";
import type { DemandForecast } from "../../../domain/forecast.ts";
import type { FeatureSnapshot } from "../../../domain/snapshot.ts";
import {
  type EpochMs,
  HOUR_MS,
  MINUTE_MS,
  type ModelVersion,
  type ProductType,
  SECOND_MS,
} from "../../../domain/units.ts";
import { parcelOfEvents } from "../../support/parcels.ts";
import { demandEvent, T0 } from "../../support/region-deliveries.ts";
import { inRegion } from "./region-life.ts";

beforeEach(() => reset());

const ZONE = "America/New_York";
let number = 1;
const bookingAt = (occurredAt: EpochMs) =>
  parcelOfEvents([demandEvent(number, { occurredAt })], {
    number: number++,
    receivedAt: occurredAt,
  });

function forecastMadeAt(madeAt: EpochMs): DemandForecast {
  return { modelVersion: "mdl_000000000000" as ModelVersion, madeAt, points: [] };
}

describe("a region's snapshots", () => {
  it("are one tick while nothing changes, and another after 30 s or with the next minute", () =>
    inRegion("nyc-161", async (begin, clocks) => {
      const { region } = begin();
      expect(await region.snapshot(0, ZONE)).toMatchObject({
        tick: 1,
        regionId: "nyc-161",
        asOf: T0,
      });
      const ticks: [afterS: number, tick: number][] = [];
      let known = 1;
      for (let second = 1; second <= 65; second++) {
        clocks.advance(SECOND_MS);
        const snapshot = await region.snapshot(known, ZONE);
        if (!snapshot) continue;
        known = snapshot.tick;
        ticks.push([second, known]);
      }
      expect(ticks).toEqual([
        [30, 2],
        [60, 3],
      ]);
      expect(await region.snapshot(0, ZONE)).toMatchObject({ tick: 3 });
    }));

  it("change with a booking, but not twice within half a second", () =>
    inRegion("nyc-161", async (begin, clocks) => {
      const { region } = begin();
      await region.snapshot(0, ZONE);
      clocks.advance(100);
      await region.apply([bookingAt(clocks.wallNow)]);
      expect(await region.snapshot(1, ZONE)).toBeNull();
      clocks.advance(400);
      const snapshot = await region.snapshot(1, ZONE);
      expect(snapshot).toMatchObject({ tick: 2, signals: { bookingCount1m: 1 } });
      expect(await region.snapshot(2, ZONE)).toBeNull();
    }));

  it("change with the supply, and when it runs out", () =>
    inRegion("nyc-161", async (begin, clocks) => {
      const { region } = begin();
      const supply = { eventType: "supply_update" as const, metadata: '{"available":4,"busy":6}' };
      await region.apply([
        parcelOfEvents([demandEvent(number, supply)], { number: number++, receivedAt: T0 }),
      ]);
      const first = await region.snapshot(0, ZONE);
      expect(first?.context.supply?.value).toEqual({ available: 4, busy: 6 });
      expect((await region.demand()).supply).toEqual({ available: 4, busy: 6 });
      const feature = (snapshot: FeatureSnapshot | null) =>
        snapshot?.features[FEATURE_NAMES.indexOf("availableDrivers")];
      expect(feature(first)).toBe(4);
      clocks.advance(10 * MINUTE_MS);
      expect(feature(await region.snapshot(1, ZONE))).toBeNull();
      expect((await region.demand()).supply).toBeNull();
    }));

  it("change with the stock of a product and what a competitor asks for it, over a restart", () =>
    inRegion("nyc-161", async (begin, clocks) => {
      const { region } = begin();
      const tell = (eventType: EventType, metadata: object) =>
        region.apply([
          parcelOfEvents(
            [
              demandEvent(number, {
                eventType,
                productType: "mug" as ProductType,
                metadata: JSON.stringify(metadata),
              }),
            ],
            { number: number++, receivedAt: T0 },
          ),
        ]);
      await tell("stock_level", { on_hand: 40, daily_sales: 4 });
      const first = await region.snapshot(0, ZONE);
      expect(first?.context.products?.mug?.stock?.value).toEqual({ onHand: 40, dailySales: 4 });
      expect(first?.context.products?.mug?.competitorPrice).toBeNull();
      clocks.advance(400);
      await tell("price_change", { price: 2.25, competitor: "Shop" });
      clocks.advance(400);
      const second = await region.snapshot(1, ZONE);
      expect(second).toMatchObject({ tick: 2 });
      clocks.advance(MINUTE_MS);
      const later = await begin().region.snapshot(0, ZONE);
      expect(later?.context.products?.mug?.competitorPrice?.value).toBe(2.25);
      expect(later?.context.products?.mug?.stock?.value.onHand).toBe(40);
    }));

  it("are the same for everyone who asks for a tick, in later lives too, for two hours", () =>
    inRegion("nyc-161", async (begin, clocks) => {
      const first = await begin().region.snapshot(0, ZONE);
      clocks.advance(HOUR_MS);
      const { region } = begin();
      expect(await region.snapshotAt(1)).toEqual(first);
      expect((await region.snapshot(1, ZONE))?.tick).toBe(2);
      expect(await region.snapshotAt(99)).toBeNull();
      // Old ones go now and then, beside new ones.
      for (let tick = 3; tick <= 300; tick++) {
        clocks.advance(30 * SECOND_MS);
        await region.snapshot(0, ZONE);
      }
      expect(await region.snapshotAt(1)).toBeNull();
      expect(await region.snapshotAt(299)).toMatchObject({ tick: 299 });
      const kept = (at: FeatureSnapshot | null) => clocks.wallNow - (at?.madeAt ?? 0);
      expect(kept(await region.snapshotAt(100))).toBeGreaterThan(HOUR_MS);
    }));

  it("carry the newest forecast the region was told of", () =>
    inRegion("nyc-161", async (begin, clocks) => {
      const { region } = begin();
      expect((await region.snapshot(0, ZONE))?.lastForecast).toBeNull();
      await region.recordDecided(1, forecastMadeAt(T0), {});
      await region.recordDecided(1, forecastMadeAt((T0 - 1) as EpochMs), {});
      clocks.advance(MINUTE_MS);
      expect((await region.snapshot(1, ZONE))?.lastForecast).toEqual(forecastMadeAt(T0));
      clocks.advance(MINUTE_MS);
      expect((await begin().region.snapshot(2, ZONE))?.lastForecast).toEqual(forecastMadeAt(T0));
    }));

  it("are copied to KV, twice a minute at most", () =>
    inRegion("nyc-161", async (begin, clocks) => {
      const { region } = begin();
      const copy = () => env.CONFIG.get<FeatureSnapshot>(snapshotKey("nyc-161"), "json");
      await region.snapshot(0, ZONE);
      await vi.waitFor(async () => expect(await copy()).toMatchObject({ tick: 1 }));
      clocks.advance(SECOND_MS);
      await region.apply([bookingAt(clocks.wallNow)]);
      expect((await region.snapshot(1, ZONE))?.tick).toBe(2);
      clocks.advance(29 * SECOND_MS);
      await region.apply([bookingAt(clocks.wallNow)]);
      const third = await region.snapshot(2, ZONE);
      await vi.waitFor(async () => expect(await copy()).toEqual(third));
    }));
});
