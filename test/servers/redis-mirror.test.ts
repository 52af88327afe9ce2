import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "@upstash/redis/cloudflare";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { explainAnswerSchema } from "../../contract/explain.ts";
import { featuresKey, readMirroredFeatures } from "../../contract/feature-mirror.ts";
import { priceAnswerSchema } from "../../contract/pricing.ts";
import { type RedisRest, startRedisRest } from "../support/redis-rest.ts";
import { type RedisServer, redisServer } from "../support/redis-server.ts";
import { type Stack, startStack } from "../support/stack.ts";

const { REDIS_URL } = process.env;
if (REDIS_URL === undefined) {
  console.warn(
    "!!! The feature mirror is NOT tested: there is no Redis. `.ci/servers/redis.sh` starts one and prints REDIS_URL.",
  );
}

const PORTS = { stack: 22_420, rest: 22_430, redis: 22_431 };
const REGION = "nyc-161";

/** What another program reads, with a client of its own. */
async function mirrored(rest: RedisRest, region = REGION) {
  const redis = new Redis({ url: rest.url, token: rest.token, enableTelemetry: false });
  return readMirroredFeatures(region, await redis.hgetall(featuresKey(region)));
}

class Prices {
  private readonly stack: Stack;
  private events = 0;

  constructor(stack: Stack) {
    this.stack = stack;
  }

  /** A price, and the inputs of its decision. */
  async price() {
    const askedAt = performance.now();
    const price = priceAnswerSchema.parse(
      await this.send("/api/v1/pricing/compute", {
        region_id: REGION,
        product_type: "standard_ride",
      }),
    );
    const tookMs = performance.now() - askedAt;
    const path = `/api/v1/pricing/explain?request_id=${encodeURIComponent(price.request_id)}`;
    const { inputs } = explainAnswerSchema.parse(await this.send(path));
    return { price, inputs, tookMs };
  }

  /** A booking, counted by the region: what is priced next is priced from a new tick. */
  async book(): Promise<void> {
    const totals = async () => {
      const demand = await this.send(`/api/v1/regions/${REGION}/demand`);
      return (demand as { totals: { booking: number } }).totals.booking;
    };
    const before = await totals();
    await this.send("/api/v1/events", {
      event_type: "booking",
      region_id: REGION,
      timestamp: new Date().toISOString(),
      idempotency_key: `mirror-${this.events++}`,
    });
    await vi.waitFor(async () => expect(await totals()).toBe(before + 1), { timeout: 10_000 });
  }

  async failedWrites(): Promise<number> {
    const response = await fetch(`${this.stack.aggregatorUrl}/metrics`, { headers: this.headers });
    const line = /^aggregator_mirror_writes_total\{outcome="failed"\} (\d+)$/m;
    return Number(line.exec(await response.text())?.[1]);
  }

  private async send(path: string, body?: object): Promise<unknown> {
    const response = await fetch(`${this.stack.pricingUrl}${path}`, {
      method: body ? "POST" : "GET",
      headers: { ...this.headers, "content-type": "application/json" },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    expect([200, 202]).toContain(response.status);
    return response.json();
  }

  private get headers() {
    return { authorization: `Bearer ${this.stack.keys.admin}` };
  }
}

describe.skipIf(REDIS_URL === undefined)("the feature mirror", () => {
  let server: RedisServer;
  let rest: RedisRest;
  let stack: Stack;
  let prices: Prices;

  beforeAll(async () => {
    // One of its own beside the one that is there, since it is going to be killed.
    server = redisServer(PORTS.redis);
    await server.start();
    rest = await startRedisRest(server.url, PORTS.rest);
    stack = await startStack({
      port: PORTS.stack,
      env: { UPSTASH_REDIS_REST_URL: rest.url, UPSTASH_REDIS_REST_TOKEN: rest.token },
    });
    prices = new Prices(stack);
  });

  afterAll(async () => {
    await stack?.stop();
    await rest?.stop();
    await server?.kill();
  });

  /** A price whose tick is in Redis. */
  async function pricedAndMirrored() {
    // A price comes from the features at hand; newer ones that it sets off are there for the next.
    await prices.price();
    await sleep(1_500);
    return vi.waitFor(
      async () => {
        const priced = await prices.price();
        const copy = await mirrored(rest);
        expect(copy?.tick).toBe(priced.inputs.tick);
        return { ...priced, copy };
      },
      { timeout: 10_000, interval: 250 },
    );
  }

  it("has the features of the snapshot that was priced from, all of them, for 120 seconds", async () => {
    await prices.book();
    const { inputs, copy } = await pricedAndMirrored();
    expect(copy?.features).toEqual(inputs.features);
    expect(copy?.as_of).toBe(inputs.as_of);
    expect(copy?.features.bookingLag1).toBeGreaterThan(0);
    const ttl = Number(await rest.ask("TTL", featuresKey(REGION)));
    expect(ttl).toBeGreaterThan(110);
    expect(ttl).toBeLessThanOrEqual(120);
  });

  it("is written once a second at most, and then with the newest tick", async () => {
    await sleep(1_100);
    const before = rest.commands.length;
    const startedAt = performance.now();
    let tick = 0;
    for (let n = 0; n < 4; n++) {
      await prices.book();
      tick = (await prices.price()).inputs.tick;
    }
    await vi.waitFor(
      async () => expect((await mirrored(rest))?.tick).toBeGreaterThanOrEqual(tick),
      {
        timeout: 10_000,
      },
    );
    const seconds = (performance.now() - startedAt) / 1_000;
    const writes = rest.commands
      .slice(before)
      .filter(([name]) => name === "EVAL" || name === "eval");
    expect(writes.length).toBeGreaterThan(0);
    expect(writes.length).toBeLessThanOrEqual(Math.ceil(seconds) + 1);
  });

  it("leaves prices alone while Redis is dead, and goes on when it is back", async () => {
    const failedBefore = await prices.failedWrites();
    await server.kill();
    for (let n = 0; n < 5; n++) {
      await prices.book();
      const { price, tookMs } = await prices.price();
      expect(price.source).toBe("model");
      expect(price.stale).toBe(false);
      expect(tookMs).toBeLessThan(900);
      await sleep(500);
    }
    expect(await prices.failedWrites()).toBeGreaterThan(failedBefore);
    await server.start();
    // The mirror looks again when Redis has been left alone for five seconds.
    await sleep(6_000);
    await prices.book();
    const { inputs, copy } = await pricedAndMirrored();
    expect(copy?.features).toEqual(inputs.features);
  });

  it("is not fooled by a write that comes too late", async () => {
    const { copy } = await pricedAndMirrored();
    const write = rest.commands.findLast(([name]) => name?.toUpperCase() === "EVAL") ?? [];
    const made = write.indexOf(copy?.made_at ?? "");
    const late = write.map((part, i) => (i === made ? "2020-01-01T00:00:00.000Z" : part));
    expect(await rest.ask(...late)).toBe(0);
    expect((await mirrored(rest))?.tick).toBe(copy?.tick);
  });
});

describe.skipIf(REDIS_URL === undefined)("a region without features in Redis", () => {
  it("reads as none", async () => {
    const rest = await startRedisRest(REDIS_URL ?? "", PORTS.rest);
    try {
      expect(await mirrored(rest, "a-region-of-nowhere")).toBeNull();
    } finally {
      await rest.stop();
    }
  });
});
