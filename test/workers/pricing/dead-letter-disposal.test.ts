import { env } from "cloudflare:workers";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { deadLetterSchema } from "../../../contract/dead-letters.ts";
import { setAsideFrom } from "../../../contract/set-aside.ts";
import { DAY_MS, type EpochMs, epochMs } from "../../../domain/units.ts";
import { trimDeadLetters } from "../../../workers/pricing/dead-letters/dead-letter-store.ts";
import {
  database,
  die,
  emptyOffice,
  lateMessage,
  nyc,
  type Office,
  parcel,
} from "./dead-letter-office.ts";
import { migrate } from "./migrate.ts";

beforeAll(migrate);

let office: Office;
beforeEach(async () => {
  office = await emptyOffice();
});

describe("a redrive", () => {
  it("sends a letter back as it was, and marks it", async () => {
    const [id, decisions] = await die([parcel(5), '[{"id":"d"}]'], Date.now() - 1_000);
    const answer = await office.post(`${id}/redrive`);
    expect(deadLetterSchema.parse(await answer.json())).toMatchObject({
      state: "redriven",
      redrives: 1,
    });
    await office.post(`${decisions}/redrive`);
    expect(office.sentBack).toEqual([
      ["events", { body: new Uint8Array(parcel(5)), contentType: "bytes" }],
      ["decisions", { body: '[{"id":"d"}]', contentType: "text" }],
    ]);
  });

  it("that did not help leaves the letter waiting again", async () => {
    const [id] = await die([parcel(5)], Date.now() - 1_000);
    await office.post(`${id}/redrive`);
    await die([parcel(5)], Date.now() + 1_000);
    expect(await office.list()).toMatchObject([{ state: "waiting", redrives: 1, deliveries: 2 }]);
  });

  it("of many takes those that wait, the oldest first, in calls that a queue takes", async () => {
    const at = Date.now() - 100_000;
    for (let n = 0; n < 20; n++) {
      await die([parcel(n, { events: 900, regionId: nyc(n < 15 ? 161 : 234) })], at + n);
    }
    const first = await office.post("redrive", { queue: "events", region_id: "nyc-161", limit: 9 });
    expect(await first.json()).toEqual({ redriven: 9, remaining: 6 });
    expect(office.sentBack[0]?.[1].body).toEqual(new Uint8Array(parcel(0, { events: 900 })));
    const rest = await office.post("redrive", { queue: "events", region_id: "nyc-161" });
    expect(await rest.json()).toEqual({ redriven: 6, remaining: 0 });
    const none = await office.post("redrive", { queue: "events", region_id: "nyc-161" });
    expect(await none.json()).toEqual({ redriven: 0, remaining: 0 });
    expect(office.sentBack.length).toBe(15);
    expect((await office.list("?state=waiting")).length).toBe(5);
    expect(await office.metric('pricing_dead_letters_redriven_total{queue="events"}')).toBe(15);
  });

  it("is refused for what cannot go back", async () => {
    const tooLong = setAsideFrom("decisions", "x".repeat(125_000), "too long");
    const [unknown, cut] = await die([{ a: 1 }, tooLong]);
    for (const id of [unknown, cut]) {
      expect((await office.post(`${id}/redrive`)).status).toBe(409);
    }
    const many = await office.post("redrive", { queue: "decisions" });
    expect(await many.json()).toEqual({ redriven: 0, remaining: 0 });
    expect((await office.post("redrive", { queue: "unknown" })).status).toBe(422);
    expect((await office.post("redrive", {})).status).toBe(422);
    expect(office.sentBack).toEqual([]);
  });

  it("that breaks off says how far it came, and goes on where it was", async () => {
    for (let n = 0; n < 3; n++) await die([parcel(n)], Date.now() - 10_000);
    office.set("fails", "queue");
    const broken = await office.post("redrive", { queue: "events" });
    expect(broken.status).toBe(503);
    expect(await broken.json()).toMatchObject({ detail: expect.stringContaining("after 0") });
    office.set("works", "queue");
    expect(await (await office.post("redrive", { queue: "events" })).json()).toMatchObject({
      redriven: 3,
    });
  });
});

describe("a purge", () => {
  it("tells the outbox of a parcel, and the region of late events, to forget them", async () => {
    const [id, late, raw] = await die([parcel(5), lateMessage(8), new Uint8Array([1, 2])]);
    for (const one of [id, late, raw]) expect((await office.purge(one)).status).toBe(200);
    expect(office.forgotten).toEqual([
      ["outbox-0", 1, [5], 0xffff],
      ["nyc-161", [8]],
    ]);
    expect(await office.list()).toEqual([]);
    expect(await (await office.purge(id)).json()).toEqual({ purged: 0, remaining: 0 });
    expect((await office.purge("dl_of-nothing-at-all-0000")).status).toBe(404);
  });

  it("outlives the copies that were still on the queue", async () => {
    const [id] = await die([parcel(5)]);
    await office.purge(id);
    await die([parcel(5)]);
    expect(await office.list()).toEqual([]);
    expect(await office.list("?state=purged")).toMatchObject([
      { id, state: "purged", deliveries: 2 },
    ]);
    expect((await office.read(id)).content).toMatchObject({ kind: "raw", base64: "" });
    expect((await office.post(`${id}/redrive`)).status).toBe(409);
    expect(await office.metric('pricing_dead_letters_stored{queue="events"}')).toBe(0);
  });

  it("keeps a letter whose sender cannot be told", async () => {
    const [id] = await die([parcel(5)]);
    office.set("fails", "senders");
    expect((await office.purge(id)).status).toBe(503);
    expect(await office.list()).toMatchObject([{ id }]);
    office.set("works", "senders");
    expect((await office.purge(id)).status).toBe(200);
  });

  it("of many takes what fits the filter and nothing else", async () => {
    for (let n = 0; n < 12; n++) await die([parcel(n)], Date.now() - 5_000 + n);
    await die(["[]"]);
    const answer = await office.post("purge", { queue: "events", limit: 10 });
    expect(await answer.json()).toEqual({ purged: 10, remaining: 2 });
    expect(office.forgotten.length).toBe(10);
    expect((await office.list()).map(({ queue }) => queue)).toEqual([
      "decisions",
      "events",
      "events",
    ]);
  });
});

describe("the audit of dead letters", () => {
  it("has every redrive and purge with who asked for it and how many there were", async () => {
    const [a, b] = await die([parcel(1), parcel(2)], Date.now() - 1_000);
    await office.post(`${a}/redrive`);
    await office.purge(a);
    office.set("fails", "senders");
    await office.post("purge", { queue: "events", region_id: "nyc-161" });
    expect(await office.actions()).toMatchObject([
      { by: "key_admin", action: "purge", selection: { queue: "events" }, affected: 0 },
      { action: "purge", selection: { id: a }, affected: 1 },
      { action: "redrive", selection: { id: a }, affected: 1 },
    ]);
    expect((await office.list()).map(({ id }) => id)).toEqual([b]);
  });

  it("comes first: what it cannot take is not done", async () => {
    const [id] = await die([parcel(1)], Date.now() - 1_000);
    await env.DB.exec("ALTER TABLE dead_letter_actions RENAME TO gone");
    expect((await office.post(`${id}/redrive`)).status).toBe(503);
    await env.DB.exec("ALTER TABLE gone RENAME TO dead_letter_actions");
    expect(office.sentBack).toEqual([]);
  });
});

describe("housekeeping of dead letters", () => {
  const NONE = { keptSince: 0, settledSince: 0, maxLetters: 1_000, maxBytes: 1_000_000_000 };

  it("forgets the old, and what went back and stayed away", async () => {
    const now = epochMs(Date.now());
    await die([parcel(1)], now - 31 * DAY_MS);
    const [redriven] = await die([parcel(2)], now - 2 * DAY_MS);
    const [waiting] = await die([parcel(3)], now - 2 * DAY_MS);
    await office.post(`${redriven}/redrive`);
    const bounds = { ...NONE, keptSince: now - 30 * DAY_MS };
    expect(await trimDeadLetters(database, bounds)).toBe(1);
    const [purged] = await die([parcel(4)], now - 2 * DAY_MS);
    await office.purge(purged);
    const later = { ...bounds, settledSince: (Date.now() + 1) as EpochMs };
    expect(await trimDeadLetters(database, later)).toBe(2);
    expect(await office.list("?state=purged")).toEqual([]);
    expect((await office.list()).map(({ id }) => id)).toEqual([waiting]);
  });

  it("keeps the newest within bounds of number and bytes", async () => {
    for (let n = 0; n < 10; n++) await die([parcel(n)], 1_000 + n);
    const [{ bytes } = { bytes: 0 }] = await office.list();
    expect(await trimDeadLetters(database, { ...NONE, maxLetters: 6 })).toBe(4);
    expect(await trimDeadLetters(database, { ...NONE, maxBytes: 2 * bytes })).toBe(4);
    expect((await office.list()).map(({ last_at }) => Date.parse(last_at))).toEqual([1_009, 1_008]);
  });

  it("shows in the metrics what is kept, by queue", async () => {
    await die([parcel(1), parcel(2), "[]"]);
    expect(await office.metric('pricing_dead_letters_stored{queue="events"}')).toBe(2);
    expect(await office.metric('pricing_dead_letters_stored{queue="decisions"}')).toBe(1);
    expect(await office.metric('pricing_dead_letters_stored_bytes{queue="decisions"}')).toBe(2);
  });
});
