import { env } from "cloudflare:workers";
import { Buffer } from "node:buffer";
import { drizzle } from "drizzle-orm/d1";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  type DeadLetter,
  deadLetterActionsAnswerSchema,
  deadLetterAnswerSchema,
  deadLetterSchema,
  deadLettersAnswerSchema,
} from "../../../contract/dead-letters.ts";
import { writeLateEvents } from "../../../contract/late-events.ts";
import { packEvent } from "../../../contract/packed-events.ts";
import { setAsideFrom } from "../../../contract/set-aside.ts";
import { ByteWriter } from "../../../domain/bytes.ts";
import { DAY_MS, type EpochMs, epochMs, type RegionId } from "../../../domain/units.ts";
import {
  keepDeadLetters,
  trimDeadLetters,
} from "../../../workers/pricing/dead-letters/dead-letter-store.ts";
import { recognise } from "../../../workers/pricing/dead-letters/recognise.ts";
import { parcelOfEvents } from "../../support/parcels.ts";
import { demandEvent, T0 } from "../../support/region-deliveries.ts";
import { migrate } from "./migrate.ts";
import { type KeyName, World } from "./world.ts";

const PATH = "/admin/v1/dead-letters";
const database = drizzle(env.DB);

beforeAll(migrate);

let world: World;
beforeEach(async () => {
  world = new World();
  await env.DB.exec("DELETE FROM dead_letters");
  await env.DB.exec("DELETE FROM dead_letter_actions");
});

const nyc = (zone: number) => `nyc-${zone}` as RegionId;

function parcel(number: number, { regionId = nyc(161), lowWater = 0, events = 2 } = {}) {
  const packed = Array.from({ length: events }, (_, n) =>
    demandEvent(n, { regionId, userHigh: 7, userLow: 9, metadata: '{"seat":4}' }),
  );
  return parcelOfEvents(packed, { number, regionId, lowWater, receivedAt: T0 });
}

function lateMessage(row: number) {
  const events = new ByteWriter();
  packEvent(events, demandEvent(row));
  return writeLateEvents({ regionId: nyc(161), row, arrivedAt: T0, events: events.written() });
}

let deliveries = 0;
/** What the consumer does with messages that no consumer took, at a wall time. */
async function die(bodies: readonly unknown[], at = Date.now()): Promise<string[]> {
  const letters = bodies.map((body) => ({ messageId: `m-${deliveries++}`, ...recognise(body) }));
  await keepDeadLetters(database, letters, at);
  return letters.map(({ id }) => id);
}

async function get(path: string): Promise<unknown> {
  const response = await world.fetch(path, { key: "admin" });
  expect(response.status).toBe(200);
  return response.json();
}
const list = async (query = "") =>
  deadLettersAnswerSchema.parse(await get(`${PATH}${query}`)).dead_letters;
const read = async (id = "") => deadLetterAnswerSchema.parse(await get(`${PATH}/${id}`));
const actions = async () =>
  deadLetterActionsAnswerSchema.parse(await get("/admin/v1/dead-letter-actions")).actions;

function post(path: string, body: unknown = {}, key: KeyName = "admin") {
  return world.send("POST", `${PATH}/${path}`, body, key);
}
const purge = (id = "") => world.fetch(`${PATH}/${id}`, { method: "DELETE", key: "admin" });

describe("a dead letter", () => {
  it("is one row however often its parcel dies, and counts each delivery once", async () => {
    const [id = ""] = await die([parcel(7)], 1_000);
    await die([parcel(7, { lowWater: 5 })], 2_000);
    const again = { messageId: "the-same", ...recognise(parcel(7)) };
    await keepDeadLetters(database, [again], 3_000);
    await keepDeadLetters(database, [again], 4_000);
    expect(await list()).toMatchObject([
      {
        id,
        queue: "events",
        region_id: "nyc-161",
        reason: "retries_exhausted",
        state: "waiting",
        first_at: "1970-01-01T00:00:01.000Z",
        last_at: "1970-01-01T00:00:04.000Z",
        deliveries: 3,
        redrives: 0,
      },
    ]);
  });

  it.each<[string, unknown, Partial<DeadLetter>]>([
    ["a parcel", parcel(1), { queue: "events", region_id: "nyc-161" }],
    ["late events", lateMessage(4), { queue: "late-events", region_id: "nyc-161" }],
    ["decisions", '[{"id":"d"}]', { queue: "decisions", region_id: null }],
    ["an object", { hello: "world" }, { queue: "unknown" }],
    ["bytes", new Uint8Array([9, 9, 9]), { queue: "unknown" }],
    ["nothing", null, { queue: "unknown" }],
    [
      "what was set aside",
      setAsideFrom("events", "no parcel", "It is no parcel."),
      { queue: "events", reason: "unreadable", detail: "It is no parcel." },
    ],
  ])("knows where it came from: %s", async (_, body, expected) => {
    await die([body]);
    expect(await list()).toMatchObject([expected]);
  });

  it("shows its events, and of people nothing but hashes", async () => {
    const [id] = await die([parcel(3)]);
    const { content } = await read(id);
    expect(content).toMatchObject({
      kind: "parcel",
      outbox: "outbox-0",
      number: 3,
      events: [
        { event_type: "booking", user_hash: "0000000700000009", metadata: { seat: 4 } },
        { quantity: 1 },
      ],
      events_left_out: 0,
    });
  });

  it("shows no more than can be read", async () => {
    const [id, raw] = await die([parcel(3, { events: 900 }), new Uint8Array(100_000)]);
    expect((await read(id)).content).toMatchObject({ events_left_out: 400 });
    expect((await read(raw)).content).toMatchObject({
      kind: "raw",
      base64: Buffer.alloc(48 * 1024).toString("base64"),
      bytes_left_out: 100_000 - 48 * 1024,
    });
  });

  it("whose events are broken shows its bytes", async () => {
    const bytes = parcel(3);
    bytes[bytes.length - 1] = 0xff;
    bytes.fill(0xee, bytes.length - 40);
    const [id] = await die([bytes]);
    expect((await read(id)).content).toMatchObject({ kind: "raw", content_type: "bytes" });
  });

  it("shows late events and decisions as what they are", async () => {
    const [late, decisions] = await die([lateMessage(2), '[{"id":"d-1"}]']);
    expect((await read(late)).content).toMatchObject({
      kind: "late_events",
      events: [{ event_type: "booking" }],
    });
    expect((await read(decisions)).content).toMatchObject({ decisions: [{ id: "d-1" }] });
  });
});

describe("the list of dead letters", () => {
  it("pages through all of them, each once, while others come", async () => {
    for (let n = 0; n < 7; n++) await die([parcel(n)], 1_000 + Math.floor(n / 2));
    const seen: string[] = [];
    let path = "?limit=3";
    for (let page = 0; page < 4; page++) {
      const { dead_letters, next } = deadLettersAnswerSchema.parse(await get(`${PATH}${path}`));
      seen.push(...dead_letters.map(({ id }) => id));
      await die([parcel(100 + page)], 9_000);
      if (next === null) break;
      path = `?limit=3&after=${encodeURIComponent(next)}`;
    }
    expect(seen.length).toBe(7);
    expect(new Set(seen).size).toBe(7);
  });

  it("is filtered by queue, region, reason, state and time", async () => {
    const [a] = await die([parcel(1)], 10_000);
    const [b] = await die([parcel(2, { regionId: nyc(234) })], 20_000);
    const [c] = await die(["[]"], 30_000);
    const [d] = await die([setAsideFrom("events", "x", "y")], 40_000);
    const ids = async (query: string) => (await list(query)).map(({ id }) => id);
    expect(await ids("?queue=events")).toEqual([d, b, a]);
    expect(await ids("?region_id=nyc-234")).toEqual([b]);
    expect(await ids("?reason=unreadable")).toEqual([d]);
    expect(await ids("?since=1970-01-01T00:00:20Z&until=1970-01-01T00:00:40Z")).toEqual([c, b]);
    expect((await post(`${c}/redrive`)).status).toBe(200);
    expect(await ids("?state=redriven")).toEqual([c]);
    expect(await ids("?state=waiting")).toEqual([d, b, a]);
  });

  it.each(["queue=nowhere", "limit=0", "limit=201", "after=!!", "since=yesterday", "by=me"])(
    "refuses %s",
    async (query) => {
      expect((await world.fetch(`${PATH}?${query}`, { key: "admin" })).status).toBe(422);
    },
  );
});

describe("a redrive", () => {
  it("sends a letter back as it was, and marks it", async () => {
    const [id, decisions] = await die([parcel(5), '[{"id":"d"}]'], Date.now() - 1_000);
    const answer = await post(`${id}/redrive`);
    expect(deadLetterSchema.parse(await answer.json())).toMatchObject({
      state: "redriven",
      redrives: 1,
    });
    await post(`${decisions}/redrive`);
    expect(world.sentBack).toEqual([
      ["events", { body: new Uint8Array(parcel(5)), contentType: "bytes" }],
      ["decisions", { body: '[{"id":"d"}]', contentType: "text" }],
    ]);
  });

  it("that did not help leaves the letter waiting again", async () => {
    const [id] = await die([parcel(5)], Date.now() - 1_000);
    await post(`${id}/redrive`);
    await die([parcel(5)], Date.now() + 1_000);
    expect(await list()).toMatchObject([{ state: "waiting", redrives: 1, deliveries: 2 }]);
  });

  it("of many takes those that wait, the oldest first, in calls that a queue takes", async () => {
    const at = Date.now() - 100_000;
    for (let n = 0; n < 20; n++) {
      await die([parcel(n, { events: 900, regionId: nyc(n < 15 ? 161 : 234) })], at + n);
    }
    const first = await post("redrive", { queue: "events", region_id: "nyc-161", limit: 9 });
    expect(await first.json()).toEqual({ redriven: 9, remaining: 6 });
    expect(world.sentBack[0]?.[1].body).toEqual(new Uint8Array(parcel(0, { events: 900 })));
    const rest = await post("redrive", { queue: "events", region_id: "nyc-161" });
    expect(await rest.json()).toEqual({ redriven: 6, remaining: 0 });
    const none = await post("redrive", { queue: "events", region_id: "nyc-161" });
    expect(await none.json()).toEqual({ redriven: 0, remaining: 0 });
    expect(world.sentBack.length).toBe(15);
    expect((await list("?state=waiting")).length).toBe(5);
    expect(await world.metric('pricing_dead_letters_redriven_total{queue="events"}')).toBe(15);
  });

  it("is refused for what cannot go back", async () => {
    const tooLong = setAsideFrom("decisions", "x".repeat(125_000), "too long");
    const [unknown, cut] = await die([{ a: 1 }, tooLong]);
    for (const id of [unknown, cut]) {
      expect((await post(`${id}/redrive`)).status).toBe(409);
    }
    const many = await post("redrive", { queue: "decisions" });
    expect(await many.json()).toEqual({ redriven: 0, remaining: 0 });
    expect((await post("redrive", { queue: "unknown" })).status).toBe(422);
    expect((await post("redrive", {})).status).toBe(422);
    expect(world.sentBack).toEqual([]);
  });

  it("that breaks off says how far it came, and goes on where it was", async () => {
    for (let n = 0; n < 3; n++) await die([parcel(n)], Date.now() - 10_000);
    world.set("fails", "queue");
    const broken = await post("redrive", { queue: "events" });
    expect(broken.status).toBe(503);
    expect(await broken.json()).toMatchObject({ detail: expect.stringContaining("after 0") });
    world.set("works", "queue");
    expect(await (await post("redrive", { queue: "events" })).json()).toMatchObject({
      redriven: 3,
    });
  });
});

describe("a purge", () => {
  it("tells the outbox of a parcel, and the region of late events, to forget them", async () => {
    const [id, late, raw] = await die([parcel(5), lateMessage(8), new Uint8Array([1, 2])]);
    for (const one of [id, late, raw]) expect((await purge(one)).status).toBe(200);
    expect(world.forgotten).toEqual([
      ["outbox-0", 1, [5], 0xffff],
      ["nyc-161", [8]],
    ]);
    expect(await list()).toEqual([]);
    expect(await (await purge(id)).json()).toEqual({ purged: 0, remaining: 0 });
    expect((await purge("dl_of-nothing-at-all-0000")).status).toBe(404);
  });

  it("outlives the copies that were still on the queue", async () => {
    const [id] = await die([parcel(5)]);
    await purge(id);
    await die([parcel(5)]);
    expect(await list()).toEqual([]);
    expect(await list("?state=purged")).toMatchObject([{ id, state: "purged", deliveries: 2 }]);
    expect((await read(id)).content).toMatchObject({ kind: "raw", base64: "" });
    expect((await post(`${id}/redrive`)).status).toBe(409);
    expect(await world.metric('pricing_dead_letters_stored{queue="events"}')).toBe(0);
  });

  it("keeps a letter whose sender cannot be told", async () => {
    const [id] = await die([parcel(5)]);
    world.set("fails", "senders");
    expect((await purge(id)).status).toBe(503);
    expect(await list()).toMatchObject([{ id }]);
    world.set("works", "senders");
    expect((await purge(id)).status).toBe(200);
  });

  it("of many takes what fits the filter and nothing else", async () => {
    for (let n = 0; n < 12; n++) await die([parcel(n)], Date.now() - 5_000 + n);
    await die(["[]"]);
    const answer = await post("purge", { queue: "events", limit: 10 });
    expect(await answer.json()).toEqual({ purged: 10, remaining: 2 });
    expect(world.forgotten.length).toBe(10);
    expect((await list()).map(({ queue }) => queue)).toEqual(["decisions", "events", "events"]);
  });
});

describe("the audit of dead letters", () => {
  it("has every redrive and purge with who asked for it and how many there were", async () => {
    const [a, b] = await die([parcel(1), parcel(2)], Date.now() - 1_000);
    await post(`${a}/redrive`);
    await purge(a);
    world.set("fails", "senders");
    await post("purge", { queue: "events", region_id: "nyc-161" });
    expect(await actions()).toMatchObject([
      { by: "key_admin", action: "purge", selection: { queue: "events" }, affected: 0 },
      { action: "purge", selection: { id: a }, affected: 1 },
      { action: "redrive", selection: { id: a }, affected: 1 },
    ]);
    expect((await list()).map(({ id }) => id)).toEqual([b]);
  });

  it("comes first: what it cannot take is not done", async () => {
    const [id] = await die([parcel(1)], Date.now() - 1_000);
    await env.DB.exec("ALTER TABLE dead_letter_actions RENAME TO gone");
    expect((await post(`${id}/redrive`)).status).toBe(503);
    await env.DB.exec("ALTER TABLE gone RENAME TO dead_letter_actions");
    expect(world.sentBack).toEqual([]);
  });
});

describe("housekeeping of dead letters", () => {
  const NONE = { keptSince: 0, settledSince: 0, maxLetters: 1_000, maxBytes: 1_000_000_000 };

  it("forgets the old, and what went back and stayed away", async () => {
    const now = epochMs(Date.now());
    await die([parcel(1)], now - 31 * DAY_MS);
    const [redriven] = await die([parcel(2)], now - 2 * DAY_MS);
    const [waiting] = await die([parcel(3)], now - 2 * DAY_MS);
    await post(`${redriven}/redrive`);
    const bounds = { ...NONE, keptSince: now - 30 * DAY_MS };
    expect(await trimDeadLetters(database, bounds)).toBe(1);
    const [purged] = await die([parcel(4)], now - 2 * DAY_MS);
    await purge(purged);
    const later = { ...bounds, settledSince: (Date.now() + 1) as EpochMs };
    expect(await trimDeadLetters(database, later)).toBe(2);
    expect(await list("?state=purged")).toEqual([]);
    expect((await list()).map(({ id }) => id)).toEqual([waiting]);
  });

  it("keeps the newest within bounds of number and bytes", async () => {
    for (let n = 0; n < 10; n++) await die([parcel(n)], 1_000 + n);
    const [{ bytes } = { bytes: 0 }] = await list();
    expect(await trimDeadLetters(database, { ...NONE, maxLetters: 6 })).toBe(4);
    expect(await trimDeadLetters(database, { ...NONE, maxBytes: 2 * bytes })).toBe(4);
    expect((await list()).map(({ last_at }) => Date.parse(last_at))).toEqual([1_009, 1_008]);
  });

  it("shows in the metrics what is kept, by queue", async () => {
    await die([parcel(1), parcel(2), "[]"]);
    expect(await world.metric('pricing_dead_letters_stored{queue="events"}')).toBe(2);
    expect(await world.metric('pricing_dead_letters_stored{queue="decisions"}')).toBe(1);
    expect(await world.metric('pricing_dead_letters_stored_bytes{queue="decisions"}')).toBe(2);
  });
});
