import { reset, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { LayoutChange } from "../../../contract/region-layout.ts";
import { ByteReader } from "../../../domain/bytes.ts";
import { emptyRegion, RegionState } from "../../../domain/region-state.ts";
import { slicesOf } from "../../../domain/slices.ts";
import type { RegionId } from "../../../domain/units.ts";
import { handOverOf } from "../../../workers/aggregator/hand-over.ts";
import { ParcelLedger } from "../../../workers/aggregator/parcel-ledger.ts";
import { RegionShardObject } from "../../../workers/aggregator/region-shard.ts";
import { readReport } from "../../../workers/aggregator/shard-report.ts";
import { parcelOfEvents } from "../../support/parcels.ts";
import { demandEvent, RULES, T0 } from "../../support/region-deliveries.ts";

beforeEach(() => reset());
afterEach(() => vi.useRealTimers());

const SPLIT: LayoutChange = { from: { version: 0, shards: 1 }, to: { version: 1, shards: 2 } };
const NOTHING = { signalsTold: 0, signalsCorrected: 0, lateDropped: 0, lateDepth: 0 };
/** A little longer than a shard waits before it reports. */
const REPORTED_AFTER_MS = 800;

/** What stands around the lives of a shard. */
class Surroundings {
  rootWorks = true;
  /** Events of the reports that the root has added, each report once. */
  events = 0;
  confirmed = new Set<number>();
  /** What the root hands over waits for this. */
  handOver: Promise<void> = Promise.resolve();
  private heard = 0;

  addReport(bytes: Uint8Array): void {
    if (!this.rootWorks) throw new Error("the root does not answer");
    const { number, events } = readReport(new ByteReader(bytes));
    if (number <= this.heard) return;
    expect(number).toBe(this.heard + 1);
    this.heard = number;
    this.events += events;
  }
}

/** Runs a test inside the storage of a shard; each `begin` ends the life before. Timers run when the test advances them. */
function inShard(
  test: (begin: () => RegionShardObject, around: Surroundings) => Promise<void>,
): Promise<void> {
  return runInDurableObject(env.SHARDS.getByName("nyc-161#0"), async (_, state) => {
    const around = new Surroundings();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const begin = () => {
      vi.clearAllTimers();
      return new RegionShardObject(state, env, {
        wallNow: () => T0,
        eventNow: () => T0,
        rules: RULES,
        outbox: () => ({
          confirm: async (_epoch, numbers) => {
            for (const number of numbers) around.confirmed.add(number);
          },
        }),
        root: () => ({
          addReports: async (reports) => {
            for (const report of reports) around.addReport(report);
            return NOTHING;
          },
          handOver: async (_change, slice) => {
            await around.handOver;
            const judge = {
              state: new RegionState(emptyRegion(), RULES),
              ledger: new ParcelLedger(),
            };
            return handOverOf(judge, slice, new Uint32Array(), T0);
          },
        }),
        shard: () => {
          throw new Error("no slice comes from another shard");
        },
      });
    };
    await test(begin, around);
    vi.clearAllTimers();
  });
}

/** The shard's part of a parcel with events of its slices alone. */
function part(number: number, events = 1): Uint8Array {
  const own = Array.from({ length: events }, (_, i) => {
    return { ...demandEvent(1_000 * number + i), keyHigh: number };
  });
  return parcelOfEvents(own, {
    ...{ number, receivedAt: T0, regionId: "nyc-161" as RegionId, slices: slicesOf(0, 2) },
  });
}

const untilReported = () => vi.advanceTimersByTimeAsync(REPORTED_AFTER_MS);

describe("a shard", () => {
  it("stops taking parcels when its root takes no reports, and goes on by itself when it does", () =>
    inShard(async (begin, around) => {
      let shard = begin();
      await shard.adopt(SPLIT);
      around.rootWorks = false;
      const taken: number[] = [];
      for (let number = 1; number <= 60; number++) {
        await shard.apply(1, [part(number)]).then(
          () => taken.push(number),
          () => undefined,
        );
        await untilReported();
      }
      expect(taken.length).toBeGreaterThan(20);
      expect(taken.length).toBeLessThan(60);
      await expect(shard.apply(1, [part(61)])).rejects.toThrow("does not take");
      shard = begin();
      await expect(shard.apply(1, [part(61)])).rejects.toThrow("does not take");
      around.rootWorks = true;
      await untilReported();
      expect(around.events).toBe(taken.length);
      // The outbox sends again what was not confirmed.
      for (let number = 1; number <= 61; number++) await shard.apply(1, [part(number)]);
      await untilReported();
      expect(around.events).toBe(61);
      expect(around.confirmed.size).toBe(61);
    }));

  it("writes no report over one that the root does not have, however much comes in one call", () =>
    inShard(async (begin, around) => {
      let shard = begin();
      await shard.adopt(SPLIT);
      around.rootWorks = false;
      let taken = 0;
      for (let number = 1; number <= 30; number++) {
        await shard.apply(1, [part(number)]);
        taken++;
        await untilReported();
      }
      // 12 MB: more rows than there is room for.
      const much = Array.from({ length: 100 }, (_, i) => part(31 + i, 6_000));
      await expect(shard.apply(1, much)).rejects.toThrow("does not take");
      shard = begin();
      around.rootWorks = true;
      await shard.apply(1, much).catch(() => undefined);
      await untilReported();
      for (let i = 0; i < much.length; i += 10) {
        await shard.apply(1, much.slice(i, i + 10));
        await untilReported();
      }
      expect(around.events).toBe(taken + 100 * 6_000);
    }));

  it("that a late call would have take over again keeps what it counted meanwhile", () =>
    inShard(async (begin, around) => {
      const shard = begin();
      let open = (): void => undefined;
      around.handOver = new Promise((resolve) => {
        open = resolve;
      });
      const late = shard.adopt(SPLIT);
      around.handOver = Promise.resolve();
      await shard.adopt(SPLIT);
      await shard.apply(1, [part(1, 5)]);
      open();
      await late;
      const next = begin();
      await next.apply(1, [part(1, 5)]);
      await untilReported();
      expect(around.events).toBe(5);
    }));
});
