/** What isolates of one location share, and what it spares the regions' objects. */
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { snapshotKey } from "../../../contract/store-keys.ts";
import { migrate } from "./migrate.ts";
import { World } from "./world.ts";

const SECOND_MS = 1_000;

beforeAll(migrate);

let world: World;
beforeEach(async () => {
  world = await (await new World().publishShipped()).warmUp();
}, 30_000);

async function isolates(count: number): Promise<World[]> {
  const others = Array.from({ length: count - 1 }, () => new World(world));
  for (const other of others) await other.warmUp();
  return [world, ...others];
}

/** A price in each, ten times a second for so long, in turns. */
async function serve(all: readonly World[], seconds: number): Promise<void> {
  for (let tenth = 0; tenth < 10 * seconds; tenth++) {
    for (const one of all) {
      one.aheadMs += 100;
      await one.price();
      await one.settle();
    }
  }
}

describe("isolates of one location", () => {
  it("ask a region's object about once a second together, once they have seen each other", async () => {
    const all = await isolates(4);
    await serve(all, 20);
    const before = world.region().asked.length;
    await serve(all, 10);
    const asked = world.region().asked.length - before;
    expect(asked).toBeGreaterThanOrEqual(9);
    expect(asked).toBeLessThanOrEqual(14);
  });

  it("all price by a new tick within two seconds", async () => {
    const all = await isolates(4);
    await serve(all, 20);
    world.region().tick({ usual: [1, 1, 1, 1] });
    await serve(all, 2);
    for (const one of all) expect((await one.price()).request_id).toContain("standard_ride.2.");
  });

  it("leave the cache alone when there is but one, save for a copy now and then", async () => {
    let looks = 0;
    const { cache } = world;
    const get = cache.get.bind(cache);
    cache.get = (key) => {
      looks += 1;
      return get(key);
    };
    await serve([world], 30);
    expect(looks).toBeLessThanOrEqual(3);
  });

  it("serve a new one from their copy when the object does not answer, before KV is asked", async () => {
    world.kv.set(snapshotKey("nyc-161"), JSON.stringify(world.region().latest));
    world.region().tick({ usual: [1, 1, 1, 1] });
    await serve([world], 16);
    world.set("hangs", "regions");
    const cold = new World(world);
    cold.aheadMs = world.aheadMs;
    const answer = await cold.price();
    expect(answer.request_id).toContain("standard_ride.2.");
    expect(answer).toMatchObject({ source: "model", stale: false });
  });

  it("do not price by a copy that is older than a minute", async () => {
    world.set("fails", "regions");
    world.kv.clear();
    const cold = await new World(world).publishShipped();
    cold.aheadMs = world.aheadMs + 61 * SECOND_MS;
    expect(await cold.price()).toMatchObject({ source: "rules_only" });
  });

  it("take no harm from a copy that is none", async () => {
    await serve([world], 1);
    for (const [key] of world.cache) world.cache.set(key, "x 1 {");
    expect(world.cache.size).toBeGreaterThan(0);
    const cold = new World(world);
    expect(await cold.price()).toMatchObject({ source: "model" });
  });
});
