import { env, exports } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  type DecisionSelection,
  decisionsAnswerSchema,
  listedDecisionSchema,
} from "../../../contract/decision-view.ts";
import { exportDecisions } from "../../../workers/pricing/decisions/export-decisions.ts";
import { selectDecisions } from "../../../workers/pricing/decisions/select-decisions.ts";
import { loggedDecision } from "../../support/logged-decisions.ts";
import { TEST_KEYS } from "../../support/test-keys.ts";
import { deliverDecisions } from "./deliver-decisions.ts";
import { migrate } from "./migrate.ts";
import { World } from "./world.ts";

const DECISIONS = "/admin/v1/decisions";
const T0 = Date.UTC(2026, 0, 11, 10, 30);
const database = drizzle(env.DB);
const ask = (path: string, key: string = TEST_KEYS.admin) =>
  exports.default.fetch(`https://pricing.test${path}`, {
    headers: { authorization: `Bearer ${key}` },
  });
const list = async (query = "") =>
  decisionsAnswerSchema.parse(await (await ask(`${DECISIONS}?${query}`)).json());
const idsOf = async (query = "") => (await list(query)).decisions.map((one) => one.decision_id);
const deliver = (...decisions: Parameters<typeof loggedDecision>[0][]) =>
  deliverDecisions([JSON.stringify(decisions.map((one) => loggedDecision(one)))]);

beforeAll(migrate);
beforeEach(async () => {
  await env.DB.exec("DELETE FROM decisions");
});

describe("the audit of decisions", () => {
  it("shows what was decided and by what", async () => {
    const key = { experiment: { id: "exp_fares", variant: "steeper" } };
    await deliver({ id: "d-1", decidedAt: T0, key });
    expect(await list()).toEqual({
      decisions: [
        {
          decision_id: "d-1",
          decided_at: "2026-01-11T10:30:00.000Z",
          region_id: "nyc-161",
          product_type: "standard_ride",
          price: 15,
          currency: "USD",
          surge_multiplier: 1.25,
          source: "model",
          tick: 1,
          rules_version: "rul_0123456789ab",
          model_version: "mdl_0123456789ab",
          experiment: "exp_fares",
          variant: "steeper",
        },
      ],
      next: null,
    });
  });

  it.each([
    ["region_id=nyc-234", { regionId: "nyc-234" }],
    ["product_type=premium_ride", { productType: "premium_ride" }],
    ["rules_version=rul_aaaaaaaaaaaa", { rulesVersion: "rul_aaaaaaaaaaaa" }],
    ["model_version=mdl_aaaaaaaaaaaa", { modelVersion: "mdl_aaaaaaaaaaaa" }],
    ["source=rules_only", { source: "rules_only" as const }],
    ["experiment=exp_fares", { experiment: { id: "exp_fares", variant: "control" } }],
    ["experiment=exp_fares&variant=b", { experiment: { id: "exp_fares", variant: "b" } }],
  ])("finds by %s", async (query, key) => {
    await deliver(
      { id: "meant", key },
      { id: "other" },
      { id: "another", key: { experiment: { id: "exp_other", variant: "b" } } },
    );
    expect(await idsOf(query)).toEqual(["meant"]);
  });

  it("finds by time, half-open, and by several things together", async () => {
    const regionId = "nyc-234";
    await deliver(
      { id: "a", decidedAt: T0 },
      { id: "b", decidedAt: T0 + 1_000 },
      { id: "c", decidedAt: T0 + 1_000, key: { regionId } },
      { id: "d", decidedAt: T0 + 2_000, key: { regionId } },
    );
    const since = new Date(T0 + 1_000).toISOString();
    const until = new Date(T0 + 2_000).toISOString();
    expect(await idsOf(`since=${since}&until=${until}`)).toEqual(["c", "b"]);
    expect(await idsOf(`since=${since}&until=${until}&region_id=${regionId}`)).toEqual(["c"]);
    expect(await idsOf(`source=model&until=${since}`)).toEqual(["a"]);
  });

  it("pages through all of them, each once, while others are added", async () => {
    const some = Array.from({ length: 23 }, (_, n) => ({ id: `d-${n}`, decidedAt: T0 + (n >> 2) }));
    await deliver(...some);
    const seen: string[] = [];
    for (let after = "", page = 0; page < 20; page++) {
      const { decisions, next } = await list(`limit=4${after}`);
      seen.push(...decisions.map((one) => one.decision_id));
      await deliver({ id: `new-${page}`, decidedAt: T0 + 1_000 + page });
      if (next === null) break;
      after = `&after=${next}`;
    }
    expect(seen.toSorted()).toEqual(some.map(({ id }) => id).toSorted());
  });

  it.each([
    ["variant=b", "variant"],
    ["limit=501", "limit"],
    ["since=yesterday", "since"],
    ["user_id=u-77", "user_id"],
    ["after=nowhere", "after"],
  ])("refuses %s", async (query, field) => {
    const response = await ask(`${DECISIONS}?${query}`);
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({ errors: [{ path: field }] });
  });

  it("shows a key for some regions nothing of others", async () => {
    const key = TEST_KEYS["scoped-admin"];
    for (const path of [DECISIONS, `${DECISIONS}/export`]) {
      expect((await ask(path, key)).status).toBe(403);
      expect((await ask(`${path}?region_id=nyc-237`, key)).status).toBe(403);
      expect((await ask(`${path}?region_id=nyc-161`, key)).status).toBe(200);
    }
  });

  it("answers 503 while the database is down", async () => {
    const world = new World().set("fails", "d1");
    for (const path of [DECISIONS, `${DECISIONS}/export`]) {
      expect((await world.fetch(path, { key: "admin" })).status).toBe(503);
    }
  });
});

describe("every way to look for decisions", () => {
  const ALL: DecisionSelection = {
    region_id: "nyc-161" as never,
    product_type: "standard_ride" as never,
    rules_version: "rul",
    model_version: "mdl",
    source: "rules_only",
    experiment: "exp_a" as never,
  };
  const planOf = async (selection: DecisionSelection, isDeep: boolean) => {
    const place = isDeep ? { at: T0, id: "7" } : null;
    const { sql, params } = selectDecisions(database, selection, place, 100).toSQL();
    const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .bind(...params)
      .all<{ detail: string }>();
    return results.map(({ detail }) => detail).join("; ");
  };

  it.each([
    ["time", {}, "decisions_by_age"],
    ["region", { region_id: ALL.region_id }, "decisions_by_region"],
    ["product", { product_type: ALL.product_type }, "decisions_by_product"],
    ["rules", { rules_version: "rul" }, "decisions_by_rules"],
    ["model", { model_version: "mdl" }, "decisions_by_model"],
    ["source", { source: "rules_only" as const }, "decisions_by_source"],
    ["the usual source", { source: "model" as const }, "decisions_by_age"],
    ["experiment", { experiment: ALL.experiment }, "decisions_by_experiment"],
    ["all of them", ALL, "decisions_by_experiment"],
    [
      "region and product",
      { region_id: ALL.region_id, product_type: ALL.product_type },
      "decisions_by_region",
    ],
  ])("by %s goes by an index, in its order, on any page", async (_, selection, index) => {
    for (const isDeep of [false, true]) {
      const plan = await planOf({ ...selection, since: T0 as never }, isDeep);
      expect(plan).toMatch(new RegExp(`^SEARCH decisions USING INDEX ${index} \\(`));
      expect(plan).toMatch(/decided_at/);
      expect(plan).not.toContain("TEMP B-TREE");
    }
  });

  it("reads no more rows for a late page than for the first", async () => {
    await deliver(
      ...Array.from({ length: 3_000 }, (_, n) => ({ id: `d-${n}`, decidedAt: T0 + n })),
    );
    const rowsRead = async (at: number) => {
      const place = { at, id: "1" };
      const { sql, params } = selectDecisions(database, {}, place, 10).toSQL();
      return (
        await env.DB.prepare(sql)
          .bind(...params)
          .all()
      ).meta.rows_read;
    };
    expect(await rowsRead(T0 + 100)).toBeLessThanOrEqual(21);
    expect(await rowsRead(T0 + 2_900)).toBeLessThanOrEqual(21);
  });
});

describe("the export of decisions", () => {
  const many = (count: number) =>
    deliver(...Array.from({ length: count }, (_, n) => ({ id: `d-${n}`, decidedAt: T0 + n })));

  it("holds all that fit, a document a line", async () => {
    await many(2_500);
    await deliver({ id: "elsewhere", key: { regionId: "nyc-234" } });
    const response = await ask(`${DECISIONS}/export?region_id=nyc-161`);
    expect(response.headers.get("content-type")).toBe("application/x-ndjson");
    expect(response.headers.get("content-disposition")).toContain("decisions-nyc-161.ndjson");
    const lines = (await response.text()).trimEnd().split("\n");
    const ids = lines.map((line) => listedDecisionSchema.parse(JSON.parse(line)).decision_id);
    expect(ids).toEqual(Array.from({ length: 2_500 }, (_, n) => `d-${2_499 - n}`));
  });

  it("is a table with a heading as CSV", async () => {
    await many(2);
    const text = await (await ask(`${DECISIONS}/export?format=csv`)).text();
    const [heading, first, second, ...others] = text.split("\n");
    expect(heading?.split(",")).toEqual(Object.keys(listedDecisionSchema.shape));
    expect(first).toBe(
      "d-1,2026-01-11T10:30:00.001Z,nyc-161,standard_ride,15,USD,1.25,model,1,rul_0123456789ab,mdl_0123456789ab,,",
    );
    expect([second?.slice(0, 4), others]).toEqual(["d-0,", [""]]);
  });

  it("of nothing is empty, or a heading", async () => {
    expect(await (await ask(`${DECISIONS}/export`)).text()).toBe("");
    expect((await (await ask(`${DECISIONS}/export?format=csv`)).text()).split("\n")).toHaveLength(
      2,
    );
  });

  it("reads a page when the one before was taken, and breaks off when one cannot be read", async () => {
    await many(3_000);
    let asked = 0;
    const handler = exportDecisions({
      database,
      databaseDependency: {
        async ask(work) {
          asked++;
          if (asked === 3) return { ok: false, fault: "failed", detail: "down" };
          return { ok: true, value: await work() };
        },
      },
    });
    const call = {
      request: new Request(`https://pricing.test${DECISIONS}/export`),
      principal: null,
    };
    const response = (await handler(call as never)) as Response;
    const reader = response.body?.getReader();
    for (let page = 1; page <= 2; page++) {
      expect((await reader?.read())?.done).toBe(false);
      expect(asked).toBe(page);
    }
    await expect(reader?.read()).rejects.toThrow("the export broke off");
  });
});
