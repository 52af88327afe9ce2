import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { DemandSignal } from "../../../contract/demand-signals.ts";
import { MINUTE_MS, plus, SECOND_MS } from "../../../domain/units.ts";
import { parcelOfEvents } from "../../support/parcels.ts";
import { demandEvent, mixed, T0 } from "../../support/region-deliveries.ts";
import { inRegion } from "./region-life.ts";

beforeEach(() => reset());

/** Forty minutes of bookings and searches, a few seconds out of order, some of them twice; a parcel each ten seconds. */
const parcels = Array.from({ length: 240 }, (_, p) => {
  const receivedAt = plus(T0, p * 10 * SECOND_MS);
  const events = Array.from({ length: 5 }, (_, i) => {
    const n = p * 5 + i - (i === 4 && p > 0 ? 7 : 0);
    return demandEvent(n, {
      eventType: n % 3 === 0 ? "booking" : "search",
      occurredAt: plus(T0, n * 2 * SECOND_MS - (n % 4) * 3 * SECOND_MS),
      userHigh: mixed(n % 50),
      userLow: mixed((n % 50) + 900),
    });
  });
  return { bytes: parcelOfEvents(events, { number: p + 1, receivedAt }), receivedAt };
});

/** The last revision of each window, without what says when and how often it was told. */
function final(signals: readonly DemandSignal[]): Map<string, object> {
  const revisions = new Map<string, DemandSignal>();
  for (const signal of signals) {
    const key = `${signal.width_s} ${signal.start_at}`;
    if ((revisions.get(key)?.revision ?? 0) < signal.revision) revisions.set(key, signal);
  }
  return new Map(
    [...revisions].map(
      ([key, { revision: _, told_at: __, watermark: ___, region_id, ...rest }]) => {
        return [key, rest];
      },
    ),
  );
}

describe("a region that is played again", () => {
  it("has the totals and the windows that the live one has", async () => {
    const live: DemandSignal[] = [];
    let totals: unknown;
    await inRegion("nyc-161", async (begin, clocks) => {
      const { region, told } = begin();
      for (const { bytes, receivedAt } of parcels) {
        clocks.wallNow = receivedAt;
        await region.apply([bytes]);
        await vi.advanceTimersByTimeAsync(3_600);
      }
      totals = (await region.demand()).totals;
      for (let minutes = 0; minutes < 45; minutes++) {
        clocks.advance(MINUTE_MS);
        await region.alarm();
      }
      live.push(...told);
    });
    await inRegion("replay-1", async (begin, clocks) => {
      // Long after: the clock of today must not make the past late.
      clocks.advance(30 * 24 * 60 * MINUTE_MS);
      const answered: DemandSignal[] = [];
      let { region, told, confirmed } = begin();
      for (let from = 0; from < parcels.length; from += 16) {
        const some = parcels.slice(from, from + 16).map(({ bytes }) => bytes);
        const answer = await region.replay(some);
        expect(answer).toMatchObject({ events: 5 * some.length, repeatedParcels: 0 });
        // The same call again, as after a lost answer, counts nothing and says the same signals.
        expect(await region.replay(some)).toEqual({
          ...answer,
          ...{ events: 0, duplicates: 0, late: 0, repeatedParcels: some.length },
        });
        answered.push(...(answer?.signals ?? []));
        if (from % 64 === 0) ({ region, told, confirmed } = begin());
      }
      const summary = await region.replayed();
      expect(summary?.totals).toEqual(totals);
      answered.push(...(summary?.signals ?? []));
      expect(final(answered)).toEqual(final(live));
      expect(final(live).size).toBeGreaterThan(60);
      expect([...told, ...confirmed]).toEqual([]);
    });
  });

  it("is refused by a region that heard a live event, and taken for live once it hears one", () =>
    inRegion("nyc-161", async (begin) => {
      const { region } = begin();
      const [one, other, third] = parcels;
      if (!one || !other || !third) throw new Error("there are parcels");
      expect(await region.replayed()).toMatchObject({ watermarkAt: null, signals: [] });
      expect(await region.replay([one.bytes])).toMatchObject({ events: 5 });
      expect(await begin().region.replayed()).not.toBeNull();
      await region.apply([other.bytes]);
      await region.demand();
      expect(await region.replay([third.bytes])).toBeNull();
      const again = begin().region;
      expect(await again.replay([third.bytes])).toBeNull();
      expect(await again.replayed()).toBeNull();
    }));
});
