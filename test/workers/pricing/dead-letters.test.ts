import { Buffer } from "node:buffer";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type DeadLetter, deadLettersAnswerSchema } from "../../../contract/dead-letters.ts";
import { setAsideFrom } from "../../../contract/set-aside.ts";
import { keepDeadLetters } from "../../../workers/pricing/dead-letters/dead-letter-store.ts";
import { recognise } from "../../../workers/pricing/dead-letters/recognise.ts";
import {
  database,
  die,
  emptyOffice,
  lateMessage,
  nyc,
  type Office,
  PATH,
  parcel,
} from "./dead-letter-office.ts";
import { migrate } from "./migrate.ts";

beforeAll(migrate);

let office: Office;
beforeEach(async () => {
  office = await emptyOffice();
});

describe("a dead letter", () => {
  it("is one row however often its parcel dies, and counts each delivery once", async () => {
    const [id = ""] = await die([parcel(7)], 1_000);
    await die([parcel(7, { lowWater: 5 })], 2_000);
    const again = { messageId: "the-same", ...recognise(parcel(7)) };
    await keepDeadLetters(database, [again], 3_000);
    await keepDeadLetters(database, [again], 4_000);
    expect(await office.list()).toMatchObject([
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
    expect(await office.list()).toMatchObject([expected]);
  });

  it("shows its events, and of people nothing but hashes", async () => {
    const [id] = await die([parcel(3)]);
    const { content } = await office.read(id);
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
    expect((await office.read(id)).content).toMatchObject({ events_left_out: 400 });
    expect((await office.read(raw)).content).toMatchObject({
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
    expect((await office.read(id)).content).toMatchObject({ kind: "raw", content_type: "bytes" });
  });

  it("shows late events and decisions as what they are", async () => {
    const [late, decisions] = await die([lateMessage(2), '[{"id":"d-1"}]']);
    expect((await office.read(late)).content).toMatchObject({
      kind: "late_events",
      events: [{ event_type: "booking" }],
    });
    expect((await office.read(decisions)).content).toMatchObject({ decisions: [{ id: "d-1" }] });
  });
});

describe("the list of dead letters", () => {
  it("pages through all of them, each once, while others come", async () => {
    for (let n = 0; n < 7; n++) await die([parcel(n)], 1_000 + Math.floor(n / 2));
    const seen: string[] = [];
    let path = "?limit=3";
    for (let page = 0; page < 4; page++) {
      const { dead_letters, next } = deadLettersAnswerSchema.parse(
        await office.get(`${PATH}${path}`),
      );
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
    const ids = async (query: string) => (await office.list(query)).map(({ id }) => id);
    expect(await ids("?queue=events")).toEqual([d, b, a]);
    expect(await ids("?region_id=nyc-234")).toEqual([b]);
    expect(await ids("?reason=unreadable")).toEqual([d]);
    expect(await ids("?since=1970-01-01T00:00:20Z&until=1970-01-01T00:00:40Z")).toEqual([c, b]);
    expect((await office.post(`${c}/redrive`)).status).toBe(200);
    expect(await ids("?state=redriven")).toEqual([c]);
    expect(await ids("?state=waiting")).toEqual([d, b, a]);
  });

  it.each(["queue=nowhere", "limit=0", "limit=201", "after=!!", "since=yesterday", "by=me"])(
    "refuses %s",
    async (query) => {
      expect((await office.fetch(`${PATH}?${query}`, { key: "admin" })).status).toBe(422);
    },
  );
});
