import { env, exports } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { decisionSegmentsAnswerSchema, decisionsOf } from "../../../contract/decision-log.ts";
import { findDecision } from "../../../workers/pricing/decision-store.ts";
import { segmentStoreFrom } from "../../../workers/pricing/decisions/segment-store.ts";
import worker from "../../../workers/pricing/index.ts";
import { loggedDecision } from "../../support/logged-decisions.ts";
import { TEST_KEYS } from "../../support/test-keys.ts";
import { deliverDecisions } from "./deliver-decisions.ts";
import { migrate } from "./migrate.ts";
import { World } from "./world.ts";

const LOG = "/admin/v1/decision-log";
const stores = { database: drizzle(env.DB), segments: segmentStoreFrom(env.EVENT_LOG) };
const ask = (path: string, key: string = TEST_KEYS.admin) =>
  exports.default.fetch(`https://pricing.test${path}`, {
    headers: { authorization: `Bearer ${key}` },
  });
const list = async (query = "") =>
  decisionSegmentsAnswerSchema.parse(await (await ask(`${LOG}?${query}`)).json());
const message = (...ids: string[]) => JSON.stringify(ids.map((id) => loggedDecision({ id })));
const linesOf = async (sequence: number) => {
  const response = await ask(`${LOG}/${sequence}`);
  return Array.from(decisionsOf(new Uint8Array(await response.arrayBuffer())));
};

beforeAll(migrate);
beforeEach(async () => {
  await env.DB.exec("DELETE FROM decisions");
  await env.DB.exec("DELETE FROM decision_segments");
  await env.DB.exec("DELETE FROM sqlite_sequence WHERE name = 'decision_segments'");
});

describe("the decision log", () => {
  it("keeps a row of each decision to find it by, and its record whole in a segment", async () => {
    await deliverDecisions([message("a", "bäöü"), message("c")]);
    for (const id of ["a", "bäöü", "c"]) {
      expect(await findDecision(stores, id)).toEqual(loggedDecision({ id }));
    }
    expect(await findDecision(stores, "d")).toBeNull();
    const { segments, more } = await list();
    expect(segments).toMatchObject([{ sequence: 1, records: 3 }]);
    expect(more).toBe(false);
    expect((await linesOf(1)).map(({ record }) => record.id)).toEqual(["a", "bäöü", "c"]);
  });

  it("finds records that were written into their rows before there were segments", async () => {
    const old = loggedDecision({ id: "old" });
    await env.DB.prepare(
      `INSERT INTO decisions
        (id, region_id, product_type, tick, rules_version, source, price_minor, currency, surge_multiplier, decided_at, record)
       VALUES ('old', 'r', 'p', 1, 'rul', 'model', 1, 'USD', 1, 1, ?)`,
    )
      .bind(JSON.stringify(old))
      .run();
    expect(await findDecision(stores, "old")).toEqual(old);
  });

  it("numbers segments without gaps, once each, however often their messages come", async () => {
    const both = [message("a"), message("b")];
    await deliverDecisions(both);
    await deliverDecisions(both);
    await deliverDecisions([message("a", "c")]);
    const { segments } = await list();
    expect(segments).toMatchObject([
      { sequence: 1, records: 2 },
      { sequence: 2, records: 2 },
    ]);
    const { results } = await env.DB.prepare("SELECT id, segment FROM decisions ORDER BY id").all();
    expect(results).toEqual([
      { id: "a", segment: 1 },
      { id: "b", segment: 1 },
      { id: "c", segment: 2 },
    ]);
  });

  it("gives no number to a segment whose rows could not be written, and none is missing afterwards", async () => {
    const again: string[] = [];
    const deliver = async (database: D1Database, body: string) => {
      const retry = () => again.push(body);
      const messages = [{ id: "m", timestamp: new Date(), attempts: 1, body, retry }];
      const batch = { queue: "decisions", messages };
      await worker.queue(batch as never, { ...env, DB: database } as never);
    };
    const down = {
      prepare: env.DB.prepare.bind(env.DB),
      batch: () => Promise.reject(new Error("down")),
    };
    await deliver(env.DB, message("a"));
    await deliver(down as never, message("b"));
    expect((await list()).segments).toHaveLength(1);
    await deliver(env.DB, message("c"));
    for (const body of again.splice(0)) await deliver(env.DB, body);
    expect(again).toEqual([]);
    const { segments } = await list();
    expect(segments.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    expect((await linesOf(3)).map(({ record }) => record.id)).toEqual(["b"]);
  });

  it("writes nothing to the database while the object store is down", async () => {
    const again: string[] = [];
    const messages = [
      {
        ...{ id: "m", timestamp: new Date(), attempts: 1, body: message("a") },
        retry: () => again.push("m"),
      },
    ];
    const bucket = { put: () => Promise.reject(new Error("down")) };
    const batch = { queue: "decisions", messages };
    await worker.queue(batch as never, { ...env, EVENT_LOG: bucket } as never);
    expect(again).toEqual(["m"]);
    expect(await findDecision(stores, "a")).toBeNull();
  });

  it("takes as many decisions at once as a queue delivers", async () => {
    const ids = Array.from({ length: 5_000 }, (_, n) => `d-${n}`);
    await deliverDecisions([message(...ids)]);
    const { results } = await env.DB.prepare("SELECT count(*) AS n FROM decisions").all();
    expect(results).toEqual([{ n: 5_000 }]);
    expect(await findDecision(stores, "d-4999")).toMatchObject({ id: "d-4999" });
  });
});

describe("the decision log's routes", () => {
  it("list segments in order, a page at a time", async () => {
    for (let n = 1; n <= 7; n++) await deliverDecisions([message(`d-${n}`)]);
    const sequences: number[] = [];
    for (let more = true; more; ) {
      const page = await list(`limit=3&after=${sequences.at(-1) ?? 0}`);
      sequences.push(...page.segments.map(({ sequence }) => sequence));
      more = page.more;
    }
    expect(sequences).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it("know nothing of what is not there, and say so", async () => {
    expect(await list()).toEqual({ segments: [], more: false });
    expect((await ask(`${LOG}/1`)).status).toBe(404);
    expect((await ask(`${LOG}/first`)).status).toBe(422);
  });

  it("answer 503 while the database or the object store is down", async () => {
    await deliverDecisions([message("a")]);
    const database = new World().set("fails", "d1");
    expect((await database.fetch(LOG, { key: "admin" })).status).toBe(503);
    const objects = new World().set("fails", "r2");
    expect((await objects.fetch(LOG, { key: "admin" })).status).toBe(200);
    expect((await objects.fetch(`${LOG}/1`, { key: "admin" })).status).toBe(503);
  });

  it.each([LOG, `${LOG}/1`])("are not for clients: %s", async (path) => {
    expect((await ask(path, TEST_KEYS.pricing)).status).toBe(403);
  });
});
