import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { snapshotKey } from "../../../contract/store-keys.ts";
import { migrate } from "./migrate.ts";
import { DEPENDENCIES, type DependencyName, type Mode, World } from "./world.ts";

const BASE_PRICE = 12;
const SECOND_MS = 1_000;
const BROKEN: Mode[] = ["fails", "hangs"];

beforeAll(migrate);

let world: World;
beforeEach(async () => {
  world = await new World().publishShipped();
});

/** As `price`, after what is due beside it has been done, for a second may have passed since the last. */
async function priceLater(aheadMs: number) {
  world.aheadMs += aheadMs;
  await world.price();
  await world.settle();
  return world.price();
}

describe("with everything up", () => {
  it("prices by the model, not stale, and from memory once told", async () => {
    await world.warmUp();
    expect(await world.price()).toMatchObject({ source: "model", stale: false, cached: false });
    expect(await world.price()).toMatchObject({ source: "model", stale: false, cached: true });
  });

  it("asks the region once for many requests, and not again within a second", async () => {
    await world.warmUp();
    const region = world.region();
    const before = region.asked.length;
    world.aheadMs += 2 * SECOND_MS;
    await Promise.all(Array.from({ length: 50 }, () => world.price()));
    await world.settle();
    expect(region.asked.length).toBe(before + 1);
  });

  it("prices a new tick beside the request that asked for it, and the next request is told", async () => {
    await world.warmUp();
    const first = await world.price();
    world.region().tick({ usual: [1, 1, 1, 1] });
    const second = await priceLater(SECOND_MS);
    expect(second.demand_score).toBeGreaterThan(first.demand_score ?? 1);
    expect(second.source).toBe("model");
  });

  it("prices from what is at hand after a silence, and asks beside", async () => {
    await world.warmUp();
    const first = await world.price();
    world.region().tick({ usual: [1, 1, 1, 1] });
    world.set("hangs", "regions");
    world.aheadMs += 119 * SECOND_MS;
    const startedAt = Date.now();
    const second = await world.price();
    expect(Date.now() - startedAt).toBeLessThan(2_500);
    expect(second).toMatchObject({ price: first.price, stale: false, cached: true });
    await world.settle();
    world.set("works", "regions");
    const third = await priceLater(SECOND_MS);
    expect(third.demand_score).toBeGreaterThan(first.demand_score ?? 1);
  });

  it("waits for new features when those at hand are past their time to live", async () => {
    await world.warmUp();
    const first = await world.price();
    world.aheadMs += 121 * SECOND_MS;
    world.region().tick({ usual: [1, 1, 1, 1] });
    const second = await world.price();
    expect(second.demand_score).toBeGreaterThan(first.demand_score ?? 1);
    expect(second).toMatchObject({ source: "model", stale: false, cached: false });
  });

  it("tells the region its forecast once per tick", async () => {
    await world.warmUp();
    expect(world.region().lastForecast?.madeAt).toBe(world.region().latest.asOf);
    world.region().lastForecast = null;
    await priceLater(2 * SECOND_MS);
    expect(world.region().lastForecast).toBeNull();
  });
});

describe("a cold isolate", () => {
  it("prices by the region's last forecast while the model is not there", async () => {
    await world.warmUp();
    world.region().tick();
    world.coldIsolate().set("hangs", "r2");
    expect(await world.price()).toMatchObject({ source: "last_forecast", stale: false });
  });

  it("does not price by a forecast whose last quarter hour has passed", async () => {
    await world.warmUp();
    const { lastForecast } = world.region();
    const late = world.region().latest.asOf + 60 * 60_000;
    world.region().tick({ asOf: late as never, lastForecast });
    world.coldIsolate().set("fails", "r2");
    expect(await world.price()).toMatchObject({ source: "rules_only", price: BASE_PRICE });
  });

  it.each(BROKEN)("takes the copy in KV when the region's object %s", async (mode) => {
    world.kv.set(snapshotKey("nyc-161"), JSON.stringify(world.region().tick()));
    await world.warmUp();
    world.coldIsolate().set(mode, "regions", "cache");
    await world.price();
    await world.settle();
    world.aheadMs += 2 * SECOND_MS;
    expect(await world.price()).toMatchObject({ source: "model", stale: false });
  });

  it("is told by the copy within the first request when the object hangs", async () => {
    world.kv.set(
      snapshotKey("nyc-161"),
      JSON.stringify(world.region().tick({ lastForecast: null })),
    );
    world.set("hangs", "regions");
    await world.price({ regionId: "nyc-234" });
    await world.settle();
    expect(await world.price()).toMatchObject({ source: "model" });
  });

  it("ignores a copy that is no snapshot of the region", async () => {
    world.kv.set(snapshotKey("nyc-161"), JSON.stringify(world.region("nyc-234").tick()));
    world.set("fails", "regions");
    expect(await world.price()).toMatchObject({ source: "rules_only" });
    world.kv.set(snapshotKey("nyc-161"), "{");
    expect(await priceLater(2 * SECOND_MS)).toMatchObject({ source: "rules_only" });
  });

  it.each(BROKEN)(
    "with nothing behind it (all of it %s) prices by the shipped rules",
    async (mode) => {
      world.set(mode, ...DEPENDENCIES);
      const startedAt = Date.now();
      const answer = await world.price();
      expect(answer).toMatchObject({
        source: "rules_only",
        stale: false,
        price: BASE_PRICE,
        demand_score: null,
        model_version: null,
        confidence: 0,
      });
      expect(Date.now() - startedAt).toBeLessThan(1_000);
      const again = Date.now();
      await world.price();
      expect(Date.now() - again).toBeLessThan(50);
    },
  );

  it("prices by what is published as soon as KV answers again", async () => {
    world.set("fails", "kv");
    await world.price();
    world.set("works", "kv");
    await priceLater(2 * SECOND_MS);
    await world.settle();
    expect(await world.price()).toMatchObject({ source: "model" });
  });
});

describe("a warm isolate", () => {
  const parts: [string, DependencyName[]][] = [
    ...DEPENDENCIES.map((name): [string, DependencyName[]] => [name, [name]]),
    ["everything", [...DEPENDENCIES]],
  ];
  for (const mode of BROKEN) {
    it.each(parts)(`prices on as before when this ${mode}: %s`, async (_, names) => {
      await world.warmUp();
      world.set(mode, ...names);
      for (const aheadMs of [0, 2 * SECOND_MS, 15 * SECOND_MS]) {
        world.aheadMs += aheadMs;
        const startedAt = Date.now();
        const answer = await world.price();
        // When it waits, and for how long, is waiting.test.ts to say; a busy machine is slow at anything.
        expect(Date.now() - startedAt).toBeLessThan(2_500);
        expect(answer).toMatchObject({ source: "model", stale: false });
      }
      await world.settle();
    });
  }

  it("says stale once the features are older than two minutes", async () => {
    await world.warmUp();
    world.set("fails", "regions", "kv");
    world.aheadMs += 119 * SECOND_MS;
    expect(await world.price()).toMatchObject({ source: "model", stale: false });
    world.aheadMs += 2 * SECOND_MS;
    expect(await world.price()).toMatchObject({ source: "model", stale: true });
    await world.settle();
    world.set("works", "regions", "kv");
    world.region().tick();
    expect(await priceLater(10 * SECOND_MS)).toMatchObject({ source: "model", stale: false });
  });

  it("prices by rules alone once its features are older than an hour", async () => {
    await world.warmUp();
    world.set("fails", "regions", "kv");
    world.aheadMs += 60 * 60 * SECOND_MS;
    expect(await world.price()).toMatchObject({ source: "rules_only", price: BASE_PRICE });
  });

  it("prices by the last forecast when inference fails", async () => {
    await world.warmUp();
    world.region().tick({ features: [1, 2, 3] });
    expect(await priceLater(2 * SECOND_MS)).toMatchObject({ source: "last_forecast" });
    expect(await world.metric("pricing_inference_failures_total")).toBeGreaterThan(0);
  });

  it("does not run the model on features of another version", async () => {
    await world.warmUp();
    world.region().tick({ featureSetVersion: "fs0" });
    expect(await priceLater(2 * SECOND_MS)).toMatchObject({ source: "last_forecast" });
  });
});

describe("a dependency that keeps failing", () => {
  it("is left alone after five failures, and asked again after two seconds", async () => {
    await world.warmUp();
    world.set("fails", "regions");
    const failures = 'pricing_dependency_failures_total{dependency="regions"}';
    for (let i = 0; i < 8; i++) await priceLater(1_001);
    expect(await world.metric(failures)).toBeLessThan(8);
    expect(await world.metric(failures)).toBeGreaterThanOrEqual(5);
    world.set("works", "regions");
    world.region().tick({ usual: [1, 1, 1, 1] });
    await priceLater(3 * SECOND_MS);
    expect(await world.metric('pricing_breaker_open{dependency="regions"}')).toBe(0);
    expect((await world.price()).request_id).toContain("standard_ride.2.");
  });
});
