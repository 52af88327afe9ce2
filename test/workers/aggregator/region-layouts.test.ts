import { reset, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Moved, RegionShardRpc } from "../../../contract/region-layout.ts";
import type { ShardCount } from "../../../domain/slices.ts";
import { LateTable } from "../../../workers/aggregator/late-table.ts";
import { RegionLayouts } from "../../../workers/aggregator/region-layouts.ts";
import { ShardsWanted } from "../../../workers/aggregator/shards-wanted.ts";
import { StoredRegion } from "../../../workers/aggregator/stored-region.ts";
import { RULES, T0 } from "../../support/region-deliveries.ts";

beforeEach(() => reset());

/** What a test plays of the shards, and sees of the root's layouts. */
class World {
  wallNow = 0;
  wanted: ShardCount = 1;
  adopted = 0;
  retired: string[] = [];
  retireWorks = true;
  /** What adopting waits for. */
  adopting = async (): Promise<void> => undefined;
  logged: { level: string; message: string; forMs: unknown }[] = [];

  shard(index: number): RegionShardRpc {
    const progress = { watermarkAt: T0, newestEventAt: T0 };
    return {
      apply: () => Promise.reject(new Error("nothing is brought here")),
      freeze: async () => undefined,
      handOver: () => Promise.reject(new Error("no merge here")),
      adopt: async () => {
        this.adopted++;
        await this.adopting();
        return progress;
      },
      retire: async (version) => {
        if (!this.retireWorks) throw new Error("not now");
        this.retired.push(`${index} under ${version}`);
      },
    };
  }
}

/** Runs a test with the layouts of a root over real storage. */
function withLayouts(test: (layouts: RegionLayouts, world: World) => Promise<void>): Promise<void> {
  return runInDurableObject(env.REGIONS.getByName("nyc-161"), async (_, { storage }) => {
    const world = new World();
    const region = new StoredRegion(storage.sql, RULES, new LateTable(storage.sql));
    const wanted = new ShardsWanted({
      ...{ splitAbovePerS: 1, splitAfterMs: 1_000, mergeBelowPerS: 1, mergeAfterMs: 1_000 },
      mostKeys: 1,
    });
    const spy = vi.spyOn(wanted, "at").mockImplementation(() => world.wanted);
    const layouts = new RegionLayouts({
      sql: storage.sql,
      transaction: (work) => storage.transactionSync(() => work(region, T0)),
      sync: () => storage.sync(),
      shard: (index) => world.shard(index),
      keys: () => 0,
      wanted,
      wallNow: () => world.wallNow,
      log: (level, message, fields) => {
        world.logged.push({ level, message, forMs: fields?.forMs });
      },
    });
    await test(layouts, world);
    spy.mockRestore();
  });
}

const changing = (forMs: number): Moved => ({ moved: "changing", forMs });

describe("a region's layouts", () => {
  it("say for how long a change has been held up, and bring it to its end without whoever did not answer", () =>
    withLayouts(async (layouts, world) => {
      let answer = (): void => undefined;
      const answered = new Promise<void>((resolve) => {
        answer = resolve;
      });
      world.adopting = () => answered;
      world.wanted = 2;
      const first = layouts.took(0);
      await vi.waitFor(() => expect(world.adopted).toBe(2));
      for (; world.wallNow < 59_000; world.wallNow += 1_000) expect(layouts.took(0)).toBeNull();
      expect(layouts.moved).toEqual(changing(59_000));
      expect(world.logged).toEqual([]);
      world.wallNow = 60_000;
      world.adopting = async () => undefined;
      const second = layouts.took(0);
      expect(second).not.toBeNull();
      expect(world.logged).toEqual([
        { level: "error", message: "a region's layout could not be changed yet", forMs: 60_000 },
      ]);
      await second;
      expect(layouts.layout).toEqual({ version: 1, shards: 2 });
      // The answer that nobody waits for any more changes nothing, though another change began meanwhile.
      world.wanted = 4;
      const third = layouts.took(0);
      answer();
      await Promise.all([first, third]);
      expect(layouts.layout).toEqual({ version: 2, shards: 4 });
      expect(layouts.change).toBeNull();
    }));

  it("do not try again at once what failed, and tell of it once in a while", () =>
    withLayouts(async (layouts, world) => {
      world.adopting = () => Promise.reject(new Error("down"));
      world.wanted = 2;
      let tries = 0;
      for (; world.wallNow < 30_000; world.wallNow += 10) {
        const work = layouts.took(0);
        if (!work) continue;
        tries++;
        await work;
      }
      expect(tries).toBe(120);
      expect(world.logged).toHaveLength(3);
      world.adopting = async () => undefined;
      await layouts.took(0);
      expect(layouts.layout).toEqual({ version: 1, shards: 2 });
    }));

  it("have shards forget that a change before the last left over", () =>
    withLayouts(async (layouts, world) => {
      const change = async (shards: ShardCount) => {
        world.wanted = shards;
        world.wallNow += 1_000;
        await layouts.took(0);
        expect(layouts.layout.shards).toBe(shards);
      };
      await change(8);
      world.retireWorks = false;
      await change(2);
      expect(world.retired).toEqual([]);
      world.retireWorks = true;
      await change(4);
      expect(world.retired.toSorted()).toEqual([4, 5, 6, 7].map((shard) => `${shard} under 3`));
    }));
});
