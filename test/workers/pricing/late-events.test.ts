import { env, exports } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { lateEventsAnswerSchema } from "../../../contract/late-event-view.ts";
import { lateEventsOf, writeLateEvents } from "../../../contract/late-events.ts";
import { createMetrics } from "../../../contract/metrics.ts";
import { packEvent } from "../../../contract/packed-events.ts";
import type { RegionIntakeRpc, RegionWindowRpc } from "../../../contract/rpc.ts";
import type { SetAside } from "../../../contract/set-aside.ts";
import { ByteWriter } from "../../../domain/bytes.ts";
import type { DemandEvent } from "../../../domain/event.ts";
import { DAY_MS, type EpochMs, HOUR_MS, type RegionId } from "../../../domain/units.ts";
import {
  type ConsumerPorts,
  consume,
  consumerMetrics,
} from "../../../workers/pricing/consumers.ts";
import { deadLetterMetrics } from "../../../workers/pricing/dead-letters/dead-letter-metrics.ts";
import { segmentStoreFrom } from "../../../workers/pricing/decisions/segment-store.ts";
import { SHIPPED } from "../../../workers/pricing/documents.ts";
import {
  keepLateEvents,
  trimLateEvents,
} from "../../../workers/pricing/late-events/late-event-store.ts";
import { demandEvent, T0 } from "../../support/region-deliveries.ts";
import { bearer, TEST_KEYS } from "../../support/test-keys.ts";
import { migrate } from "./migrate.ts";

const database = drizzle(env.DB);

beforeAll(migrate);
beforeEach(async () => {
  await env.DB.exec("DELETE FROM late_events");
});

const ask = (path: string, init: RequestInit = {}) =>
  exports.default.fetch(`https://pricing.test${path}`, {
    ...init,
    headers: { ...bearer(TEST_KEYS.admin), "content-type": "application/json" },
  });
const view = async (query = "") =>
  lateEventsAnswerSchema.parse(await (await ask(`/admin/v1/late-events?${query}`)).json());

const NYC_161 = "nyc-161" as RegionId;

function message(row: number, events: readonly Partial<DemandEvent>[], regionId = NYC_161) {
  const packed = new ByteWriter();
  for (const [n, fields] of events.entries()) packEvent(packed, demandEvent(n, fields));
  return writeLateEvents({ regionId, row, arrivedAt: T0, events: packed.written() });
}

/** The consumer on the test's D1, with everything it is told and asks. */
class Consumer {
  readonly confirmed: [RegionId, number[]][] = [];
  readonly aside: SetAside[] = [];
  readonly retried: [id: string, delaySeconds: number | undefined][] = [];
  /** Attempts so far. */
  attempts = 1;
  isDatabaseUp = true;
  isRegionUp = true;

  async deliver(...bodies: unknown[]): Promise<void> {
    const messages = bodies.map((body, i) => ({
      ...{ id: `m-${i}`, timestamp: new Date(), attempts: this.attempts, body },
      retry: (options?: { delaySeconds?: number }) =>
        void this.retried.push([`m-${i}`, options?.delaySeconds]),
    }));
    await consume("late-events", messages, this.ports());
  }

  private ports(): ConsumerPorts {
    const metrics = createMetrics();
    const batch = () => Promise.reject(new Error("down"));
    return {
      database: this.isDatabaseUp
        ? database
        : drizzle({ prepare: env.DB.prepare.bind(env.DB), batch } as unknown as D1Database),
      segments: segmentStoreFrom(env.EVENT_LOG),
      regions: (regionId) => ({
        confirmLate: async (rows) => {
          if (!this.isRegionUp) throw new Error("down");
          this.confirmed.push([regionId, rows]);
        },
      }),
      setAside: async (one) => void this.aside.push(one),
      wallNow: () => Date.now(),
      log: () => undefined,
      metrics: consumerMetrics(metrics, deadLetterMetrics(metrics)),
    };
  }
}

describe("the consumer of late events", () => {
  it("writes each event once however often it comes, and then its region may forget it", async () => {
    const consumer = new Consumer();
    const body = message(3, [{ occurredAt: (T0 - HOUR_MS) as EpochMs, userHigh: 1 }, {}]);
    await consumer.deliver(body, body);
    await consumer.deliver(body);
    const { late_events } = await view();
    expect(late_events.length).toBe(2);
    expect(late_events).toContainEqual(
      expect.objectContaining({
        region_id: "nyc-161",
        event_type: "booking",
        late_by_s: 3_600,
        arrived_at: new Date(T0).toISOString(),
        user_hash: "0000000100000000",
        metadata: {},
      }),
    );
    expect(consumer.confirmed).toEqual([
      [NYC_161, [3, 3]],
      [NYC_161, [3]],
    ]);
  });

  it("confirms nothing while the database is down, asks again ever later, and loses nothing", async () => {
    const consumer = new Consumer();
    consumer.isDatabaseUp = false;
    for (consumer.attempts = 1; consumer.attempts < 10; consumer.attempts++) {
      await consumer.deliver(message(1, [{}]));
    }
    expect(consumer.retried.map(([, delayS]) => delayS)).toEqual([
      ...[30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600],
    ]);
    expect(consumer.confirmed).toEqual([]);
    consumer.isDatabaseUp = true;
    await consumer.deliver(message(1, [{}]));
    expect((await view()).late_events.length).toBe(1);
    expect(consumer.confirmed).toEqual([[NYC_161, [1]]]);
  });

  it("is done with what is written, whether or not the region could be told", async () => {
    const consumer = new Consumer();
    consumer.isRegionUp = false;
    await consumer.deliver(message(1, [{}]));
    expect(consumer.retried).toEqual([]);
    expect((await view()).late_events.length).toBe(1);
  });

  it("sets aside what holds no late events", async () => {
    const consumer = new Consumer();
    await consumer.deliver("not late", message(1, [{}]));
    expect(consumer.aside).toMatchObject([{ queue: "late-events", bytes: 8 }]);
    expect((await view()).late_events.length).toBe(1);
  });

  it("takes a message as large as there are", async () => {
    const consumer = new Consumer();
    await consumer.deliver(
      message(
        1,
        Array.from({ length: 6_600 }, () => ({})),
      ),
    );
    expect((await view()).counts).toMatchObject([{ events: 6_600 }]);
  });
});

describe("the view of late events", () => {
  const keep = (row: number, arrivedAt: number, region = "nyc-161", lateByMs = 0) => {
    const events = new ByteWriter();
    const regionId = region as RegionId;
    packEvent(events, demandEvent(row, { occurredAt: (arrivedAt - lateByMs) as EpochMs }));
    const bytes = writeLateEvents({
      ...{ regionId, row, events: events.written() },
      arrivedAt: arrivedAt as EpochMs,
    });
    const late = lateEventsOf(bytes);
    return keepLateEvents(database, late ? [late] : [], arrivedAt);
  };

  it("pages through all of them, the newest first, each once", async () => {
    for (let n = 0; n < 11; n++) await keep(n, T0 + Math.floor(n / 3));
    const seen: string[] = [];
    let after = "";
    for (let page = 0; page < 9; page++) {
      const { late_events, next, counts } = await view(`limit=4${after}`);
      seen.push(...late_events.map(({ key_hash }) => key_hash));
      expect(counts === null).toBe(page > 0);
      if (next === null) break;
      after = `&after=${next}`;
    }
    expect(seen.length).toBe(11);
    expect(new Set(seen).size).toBe(11);
  });

  it("is filtered by region and time of arrival, and counts what fits, by region", async () => {
    await keep(1, T0, "nyc-161", 10_000);
    await keep(2, T0 + 1_000, "nyc-161", 30_000);
    await keep(3, T0 + 2_000, "nyc-234", 5_000);
    expect((await view()).counts).toEqual([
      { region_id: "nyc-161", events: 2, mean_late_by_s: 20, max_late_by_s: 30 },
      { region_id: "nyc-234", events: 1, mean_late_by_s: 5, max_late_by_s: 5 },
    ]);
    expect((await view("region_id=nyc-234")).late_events.length).toBe(1);
    const since = new Date(T0 + 1_000).toISOString();
    const until = new Date(T0 + 2_000).toISOString();
    const { late_events, counts } = await view(`since=${since}&until=${until}`);
    expect(late_events).toMatchObject([{ late_by_s: 30 }]);
    expect(counts).toMatchObject([{ events: 1 }]);
  });

  it("forgets the old, and the oldest of too many", async () => {
    for (let n = 0; n < 10; n++) await keep(n, T0 + n);
    expect(await trimLateEvents(database, T0 + 3, 1_000)).toBe(3);
    expect(await trimLateEvents(database, T0 - DAY_MS, 4)).toBe(3);
    expect((await view()).late_events.length).toBe(4);
  });
});

describe("an event that comes too late", () => {
  it("goes from the door to the view, once, and its region forgets it", async () => {
    const put = (path: string, body: unknown) =>
      ask(path, { method: "PUT", body: JSON.stringify(body) });
    expect((await put("/admin/v1/regions", SHIPPED.regions.document)).status).toBe(200);
    const region = "nyc-236";
    const post = async (key: string, at: number) => {
      const event = {
        ...{ event_type: "booking", region_id: region, idempotency_key: key },
        ...{ timestamp: new Date(at).toISOString(), user_id: "u-1" },
      };
      const path = "/api/v1/events";
      expect((await ask(path, { method: "POST", body: JSON.stringify(event) })).status).toBe(202);
    };
    const { demand, apply } = env.REGIONS.getByName(region) as unknown as RegionWindowRpc &
      RegionIntakeRpc;
    const totals = async () => (await demand()).totals;
    const within = { timeout: 15_000, interval: 100 };

    await post("on time", Date.now());
    await vi.waitFor(async () => expect((await totals()).booking).toBe(1), within);
    const hourAgo = Date.now() - HOUR_MS;
    await post("late", hourAgo);
    await vi.waitFor(async () => expect((await totals()).late).toBe(1), within);

    const seen = await vi.waitFor(async () => {
      const found = await view(`region_id=${region}`);
      expect(found.late_events.length).toBe(1);
      return found.late_events[0];
    }, within);
    expect(seen).toMatchObject({
      event_type: "booking",
      occurred_at: new Date(hourAgo).toISOString(),
    });
    expect(seen?.late_by_s).toBeGreaterThan(3_599);
    expect(seen?.user_hash).toMatch(/^[0-9a-f]{16}$/);
    expect(await totals()).toMatchObject({ booking: 1, late: 1 });
    await vi.waitFor(
      async () => expect(await apply([])).toMatchObject({ outlets: { lateDepth: 0 } }),
      within,
    );
  });
});
