import { createExecutionContext, createMessageBatch, getQueueResult, reset } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { BatchPacker } from "../../../contract/event-batch.ts";
import type { ShardIntakeRpc } from "../../../contract/region-layout.ts";
import type { OutboxIntakeRpc, ParcelsApplied, RegionIntakeRpc } from "../../../contract/rpc.ts";
import type { SetAside } from "../../../contract/set-aside.ts";
import type { EpochMs, RegionId } from "../../../domain/units.ts";
import { aggregatorMetrics } from "../../../workers/aggregator/aggregator-metrics.ts";
import { consumeParcels } from "../../../workers/aggregator/consume-parcels.ts";
import worker from "../../../workers/aggregator/index.ts";
import { RegionLayoutCache } from "../../../workers/aggregator/region-layout-cache.ts";
import { brokenEvents, parcelOfEvents } from "../../support/parcels.ts";
import { demandEvent } from "../../support/region-deliveries.ts";
import { bearer, TEST_KEYS } from "../../support/test-keys.ts";

beforeEach(() => reset());

function parcel(number: number, region: string, keys: readonly number[]) {
  const now = Date.now() as EpochMs;
  const regionId = region as RegionId;
  const events = keys.map((n) => demandEvent(n, { regionId, occurredAt: now }));
  return parcelOfEvents(events, { number, receivedAt: now, regionId }).buffer;
}

/** For regions that are not split. */
const noShards = () => ({
  layouts: new RegionLayoutCache(),
  shard: (): ShardIntakeRpc => {
    throw new Error("no region here has shards");
  },
});

const batchOf = (bodies: readonly unknown[]) =>
  createMessageBatch(
    "events",
    bodies.map((body, i) => ({ id: `m-${i}`, timestamp: 0, attempts: 1, body })),
  );

describe("the queue's consumer", () => {
  it("brings parcels to their regions and is done with them", async () => {
    const batch = batchOf([
      parcel(1, "nyc-161", [1, 2]),
      parcel(2, "nyc-234", [3]),
      parcel(3, "nyc-161", [4]),
    ]);
    const context = createExecutionContext();
    await worker.queue(batch, env);
    const { explicitAcks, retryMessages } = await getQueueResult(batch, context);
    expect(explicitAcks.toSorted()).toEqual(["m-0", "m-1", "m-2"]);
    expect(retryMessages).toEqual([]);
    expect((await env.REGIONS.getByName("nyc-161").demand()).totals.booking).toBe(3);
    expect((await env.REGIONS.getByName("nyc-234").demand()).totals.booking).toBe(1);
  });

  it("has the parcels of a region that fails brought again, and no other", async () => {
    const nothing: ParcelsApplied = {
      events: 0,
      duplicates: 0,
      late: 0,
      repeatedParcels: 0,
      watermarkLagMs: 0,
    };
    const region = (regionId: RegionId): RegionIntakeRpc => ({
      apply: async () => {
        if (regionId === "broken") throw new Error("broken");
        return nothing;
      },
    });
    const logged: string[] = [];
    const metrics = aggregatorMetrics();
    const aside: SetAside[] = [];
    const batch = batchOf([
      parcel(1, "nyc-161", [1]),
      parcel(2, "broken", [2]),
      "no parcel",
      parcel(3, "broken", [3]),
      new Uint8Array(parcel(4, "nyc-234", [4])).slice(0, 30).buffer,
    ]);
    await consumeParcels(batch.messages, {
      region,
      ...noShards(),
      setAside: async (message) => void aside.push(message),
      wallNow: () => 0,
      metrics,
      log: (_, message) => logged.push(message),
    });
    const { explicitAcks, retryMessages } = await getQueueResult(batch, createExecutionContext());
    expect(explicitAcks.toSorted()).toEqual(["m-0", "m-2", "m-4"]);
    expect(retryMessages.map(({ msgId }) => msgId)).toEqual(["m-1", "m-3"]);
    expect(logged.toSorted()).toEqual([
      "a message is no parcel",
      "a message is no parcel",
      "a region did not take parcels",
      "a region did not take parcels",
    ]);
    expect(metrics.registry.text()).toContain("aggregator_apply_failures_total 2");
    expect(metrics.registry.text()).toContain("aggregator_foreign_messages_total 2");
    expect(aside).toMatchObject([
      { queue: "events", contentType: "text", bytes: 9 },
      { queue: "events", contentType: "bytes", bytes: 30 },
    ]);
  });

  it("has only the parcel that is broken brought again, and not what came beside it", async () => {
    const now = Date.now() as EpochMs;
    const broken = parcelOfEvents(
      brokenEvents([demandEvent(5, { occurredAt: now })], demandEvent(6, { occurredAt: now })),
      { number: 2, receivedAt: now },
    );
    const batch = batchOf([
      parcel(1, "nyc-161", [1, 2]),
      broken.buffer,
      parcel(3, "nyc-161", [3]),
      parcel(4, "nyc-234", [4]),
    ]);
    await worker.queue(batch, env);
    const { explicitAcks, retryMessages } = await getQueueResult(batch, createExecutionContext());
    expect(explicitAcks.toSorted()).toEqual(["m-0", "m-2", "m-3"]);
    expect(retryMessages.map(({ msgId }) => msgId)).toEqual(["m-1"]);
    const { totals } = await env.REGIONS.getByName("nyc-161").demand();
    expect(totals).toMatchObject({ booking: 3, duplicates: 0 });
  });

  it("does not ask a region that is down once for every parcel", async () => {
    let calls = 0;
    const region = (): RegionIntakeRpc => ({
      apply: async () => {
        calls++;
        throw new Error("down");
      },
    });
    const batch = batchOf(Array.from({ length: 50 }, (_, n) => parcel(n, "nyc-161", [n])));
    await consumeParcels(batch.messages, {
      region,
      ...noShards(),
      setAside: async () => undefined,
      wallNow: () => 0,
      metrics: aggregatorMetrics(),
      log: () => undefined,
    });
    const { retryMessages } = await getQueueResult(batch, createExecutionContext());
    expect(retryMessages).toHaveLength(50);
    expect(calls).toBe(4);
  });

  it("leaves a region alone that does not answer, and is done with the others meanwhile", async () => {
    vi.useFakeTimers();
    try {
      const asked: RegionId[] = [];
      const region = (regionId: RegionId): RegionIntakeRpc => ({
        apply: (parcels) => {
          asked.push(regionId);
          if (regionId === "silent") return new Promise(() => undefined);
          return env.REGIONS.getByName(regionId).apply(parcels);
        },
      });
      const batch = batchOf([
        parcel(1, "silent", [1]),
        parcel(2, "silent", [2]),
        parcel(3, "nyc-161", [3]),
      ]);
      let isOver = false;
      const consumed = consumeParcels(batch.messages, {
        region,
        ...noShards(),
        setAside: async () => undefined,
        wallNow: () => Date.now(),
        metrics: aggregatorMetrics(),
        log: () => undefined,
      }).then(() => {
        isOver = true;
      });
      await vi.advanceTimersByTimeAsync(29_000);
      expect(isOver).toBe(false);
      await vi.advanceTimersByTimeAsync(1_000);
      await consumed;
      const { explicitAcks, retryMessages } = await getQueueResult(batch, createExecutionContext());
      expect(explicitAcks).toEqual(["m-2"]);
      expect(retryMessages.map(({ msgId }) => msgId)).toEqual(["m-0", "m-1"]);
      expect(asked).toEqual(["silent", "nyc-161"]);
    } finally {
      vi.useRealTimers();
    }
  });

  it("keeps a message that is no parcel until the dead letters have it", async () => {
    const batch = batchOf(["no parcel"]);
    await consumeParcels(batch.messages, {
      region: (id) => env.REGIONS.getByName(id),
      ...noShards(),
      setAside: () => Promise.reject(new Error("down")),
      wallNow: () => 0,
      metrics: aggregatorMetrics(),
      log: () => undefined,
    });
    const { explicitAcks, retryMessages } = await getQueueResult(batch, createExecutionContext());
    expect(explicitAcks).toEqual([]);
    expect(retryMessages.map(({ msgId }) => msgId)).toEqual(["m-0"]);
  });
});

describe("the way from the door's outbox", () => {
  it("ends in the windows, each event once, within two seconds", async () => {
    const packer = new BatchPacker();
    const now = Date.now() as EpochMs;
    for (let n = 0; n < 9; n++) {
      const regionId = (n % 3 === 0 ? "nyc-161" : "nyc-234") as RegionId;
      packer.add(demandEvent(n % 6, { regionId, occurredAt: now }));
    }
    const outbox = env.OUTBOX.getByName("outbox-0") as unknown as OutboxIntakeRpc;
    expect(await outbox.append(packer.finish(now))).toBe("stored");
    const totalsOf = async (region: string) =>
      (await env.REGIONS.getByName(region).demand()).totals;
    await vi.waitFor(
      async () => {
        expect(await totalsOf("nyc-161")).toMatchObject({ booking: 2, duplicates: 1 });
        expect(await totalsOf("nyc-234")).toMatchObject({ booking: 4, duplicates: 2 });
      },
      { timeout: 2_000, interval: 20 },
    );
  });
});

describe("the routes", () => {
  const get = (path: string, key?: string) =>
    exports.default.fetch(`https://example.test${path}`, key ? { headers: bearer(key) } : {});

  it("are open where they say how it is, and closed where they say what was done", async () => {
    expect((await get("/healthz")).status).toBe(200);
    expect((await get("/readyz")).status).toBe(200);
    expect((await get("/metrics")).status).toBe(401);
    const metrics = await get("/metrics", TEST_KEYS.pricing);
    expect(await metrics.text()).toContain("# TYPE aggregator_events_applied_total counter");
    expect((await get("/nowhere")).status).toBe(404);
    const posted = await exports.default.fetch("https://example.test/healthz", { method: "POST" });
    expect(posted.status).toBe(405);
    expect(posted.headers.get("x-trace-id")).toMatch(/^[0-9a-f]{32}$/);
  });
});
