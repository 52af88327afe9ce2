import { env } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { explainAnswerSchema } from "../../../contract/explain.ts";
import {
  type ExposureRecord,
  exposuresAnswerSchema,
  exposuresIn,
} from "../../../contract/exposures.ts";
import { personHashesFrom } from "../../../contract/person-hashes.ts";
import type { PriceAnswer } from "../../../contract/pricing.ts";
import { hashText } from "../../../contract/readable-events.ts";
import { experimentsKey, POINTER, rulesKey } from "../../../contract/store-keys.ts";
import { Assigner, HoldoutDraw } from "../../../domain/assignment.ts";
import { knownRulesFrom, SHIPPED } from "../../../workers/pricing/documents.ts";
import { appendExposures } from "../../../workers/pricing/experiments/exposure-store.ts";
import { knownExperimentsFrom } from "../../../workers/pricing/experiments/known-experiments.ts";
import { deliverDecisions } from "./deliver-decisions.ts";
import { EVENT_TIME } from "./fake-region.ts";
import { migrate } from "./migrate.ts";
import { SHIPPED_CARD } from "./shipped-model.ts";
import { World } from "./world.ts";

beforeAll(migrate);

type Json = Record<string, unknown>;
const hashes = personHashesFrom(env.USER_HASH_KEY);

/** The shipped rules with another base price. */
function dearerRules() {
  const json = structuredClone(SHIPPED.rules.json) as {
    rules: { products: Record<string, { base_price: number; ceiling_price?: number }> }[];
  };
  for (const { products } of json.rules)
    if (products?.standard_ride) products.standard_ride.base_price = 20;
  const rules = knownRulesFrom(json);
  if (Array.isArray(rules)) throw new Error(JSON.stringify(rules));
  return rules;
}
const DEARER = dearerRules();

const EXPERIMENT = {
  id: "exp_dearer",
  salt: "dearer-1",
  status: "running",
  for: { regions: ["nyc-161"], products: ["standard_ride"] },
  traffic: 0.8,
  variants: [{ name: "control" }, { name: "dearer", rules_version: DEARER.version }],
};
const NEW = { ...EXPERIMENT, id: "exp_new", salt: "new-1" };
const documentOf = (...experiments: Json[]) => ({
  holdout: { salt: "holdout-1", share: 0.1 },
  experiments,
});

/** What a user should get, by the domain alone. */
function expectedOf(user: string, json: unknown = documentOf(EXPERIMENT)): string | null {
  const read = knownExperimentsFrom(json);
  if (Array.isArray(read)) throw new Error(JSON.stringify(read));
  const { holdout, experiments } = read.document;
  const [experiment] = experiments;
  if (!experiment) throw new Error("no experiment");
  const hash = { ...hashes.ofPerson(user) };
  return new Assigner(experiment, holdout).assign(hash)?.name ?? null;
}

const USERS = Array.from({ length: 60 }, (_, n) => `user-${n}`);
const someone = (variant: string | null) => {
  const user = USERS.find((one) => expectedOf(one) === variant);
  if (!user) throw new Error(`nobody gets ${variant}`);
  return user;
};

let world: World;
beforeEach(async () => {
  await env.DB.exec("DELETE FROM exposures");
  await env.DB.exec("DELETE FROM exposure_counts");
  await env.DB.exec("DELETE FROM decisions");
  await env.DB.exec("DELETE FROM config_changes");
  world = await new World().publishShipped();
  world.kv.set(rulesKey(DEARER.version), JSON.stringify(DEARER.json));
  await world.warmUp();
});

const put = (document: unknown, headers: Record<string, string> = {}) =>
  world.fetch("/admin/v1/experiments", {
    ...{ method: "PUT", key: "admin" as const, body: JSON.stringify(document) },
    headers: { "content-type": "application/json", ...headers },
  });
async function publish(document: unknown = documentOf(EXPERIMENT)): Promise<string> {
  const response = await put(document);
  if (response.status !== 200) throw new Error(await response.text());
  return ((await response.json()) as { version: string }).version;
}
const act = (what: string, body?: Json, id = "exp_dearer") =>
  world.fetch(`/admin/v1/experiments/${id}/${what}`, {
    ...{ method: "POST", key: "admin" as const },
    ...(body
      ? { body: JSON.stringify(body), headers: { "content-type": "application/json" } }
      : {}),
  });
const problemOf = async (response: Response) => {
  const { type, errors } = (await response.json()) as { type: string; errors?: { path: string }[] };
  return [response.status, type.split("#")[1], ...(errors ?? []).map(({ path }) => path)];
};
/** What of the queue tells of exposures. */
async function exposed(): Promise<ExposureRecord[]> {
  await world.settle();
  return world.queue.flatMap((text) => exposuresIn(text)?.exposures ?? []);
}

describe("prices in an experiment", () => {
  it("are by the variant of the user, everywhere the same, and say so", async () => {
    await publish();
    const told = new Map<string, PriceAnswer>();
    for (const user of USERS) {
      const price = await world.price({ user });
      const variant = expectedOf(user);
      expect(price.experiment).toEqual(variant && { id: "exp_dearer", variant });
      expect(price.base_price).toBe(variant === "dearer" ? 20 : 12);
      expect(price.rules_version).toBe(
        variant === "dearer" ? DEARER.version : SHIPPED.rules.version,
      );
      expect(price.disclosure.personal_data_used).toBe(variant !== null);
      expect(price.disclosure.text).toBe(
        variant === null ? null : "THIS PRICE WAS SET BY AN ALGORITHM USING YOUR PERSONAL DATA",
      );
      told.set(user, price);
    }
    world.coldIsolate();
    await world.warmUp();
    await world.price();
    await world.settle();
    for (const user of USERS) {
      expect((await world.price({ user })).experiment).toEqual(told.get(user)?.experiment);
    }
  });

  it("are everybody's without a user, in other regions and for other products", async () => {
    await publish();
    const user = someone("dearer");
    for (const price of [
      await world.price(),
      await world.price({ user, regionId: "nyc-230" }),
      await world.price({ user, product: "premium_ride" }),
    ]) {
      expect(price.experiment).toBeNull();
      expect(price.disclosure).toMatchObject({ personal_data_used: false, text: null });
    }
    expect(await exposed()).toEqual([]);
  });

  it("are explained and made again by their request id, from the log and without it", async () => {
    await publish();
    const price = await world.price({ user: someone("dearer") });
    expect(price.request_id).toContain(`.exp_dearer~dearer.`);
    const explained = async () => {
      const query = `request_id=${encodeURIComponent(price.request_id)}`;
      const response = await world.fetch(`/api/v1/pricing/explain?${query}`);
      return explainAnswerSchema.parse(await response.json());
    };
    const answer = await explained();
    expect(answer).toMatchObject({
      ...{ replayed: true, decided_at: null },
      decision: { price: price.price, experiment: { id: "exp_dearer", variant: "dearer" } },
      inputs: { rules: { version: DEARER.version } },
    });
    await world.settle();
    await deliverDecisions(world.queue.filter((text) => exposuresIn(text) === null));
    expect(await explained()).toMatchObject({ replayed: true, decided_at: expect.any(String) });
  });

  it("are made by a variant's model, once it is warm", async () => {
    const { version } = SHIPPED_CARD;
    const variants = [{ name: "control" }, { name: "dearer", model_version: version }];
    await publish(documentOf({ ...EXPERIMENT, variants }));
    const price = await world.price({ user: someone("dearer") });
    expect(price).toMatchObject({ model_version: version, source: "model" });
    expect(price.experiment).toEqual({ id: "exp_dearer", variant: "dearer" });
  });

  it("are everybody's, and nobody is exposed, while one variant of the experiment cannot be read", async () => {
    await publish();
    world.kv.delete(rulesKey(DEARER.version));
    world.coldIsolate();
    await world.warmUp();
    for (const variant of ["control", "dearer"]) {
      expect((await world.price({ user: someone(variant) })).experiment).toBeNull();
    }
    expect(await exposed()).toEqual([]);
    expect(await world.metric("pricing_experiments_unready")).toBe(1);
    world.kv.set(rulesKey(DEARER.version), JSON.stringify(DEARER.json));
    world.aheadMs += 11_000;
    await world.price();
    await world.settle();
    expect((await world.price({ user: someone("dearer") })).experiment).not.toBeNull();
    expect(await world.metric("pricing_experiments_unready")).toBe(0);
  });

  it("keep to their own past: what a variant told follows what it told before", async () => {
    await publish();
    const region = world.region();
    await world.price({ user: someone("dearer") });
    await world.price();
    region.tick();
    world.aheadMs += 1_100;
    await world.price();
    await world.settle();
    expect(Object.keys(region.told).sort()).toEqual(
      expect.arrayContaining(["standard_ride", "standard_ride~exp_dearer~dearer"]),
    );
  });

  it("are decided anew for who may ask so", async () => {
    await publish();
    const user = someone("dearer");
    await world.price({ user });
    const fresh = await world.price({ user }, { "cache-control": "no-cache" });
    expect(fresh).toMatchObject({ cached: false, experiment: { variant: "dearer" } });
    expect((await world.price({ user })).cached).toBe(true);
  });

  it("come by the experiments in a batch too", async () => {
    await publish();
    const users = [someone("dearer"), someone("control"), someone(null)];
    const items = users.map((user_id) => ({
      ...{ region_id: "nyc-161", product_type: "standard_ride", user_id },
    }));
    const response = await world.send("POST", "/api/v1/pricing/batch", { items });
    const answer = (await response.json()) as { items: PriceAnswer[] };
    expect(answer.items.map(({ experiment }) => experiment?.variant ?? null)).toEqual([
      ...["dearer", "control"],
      null,
    ]);
  });
});

describe("exposures of an isolate", () => {
  it("are logged once a user, with the decision that was told and the event time of its features", async () => {
    await publish();
    const told = new Map<string, string>();
    for (const user of [...USERS, ...USERS]) {
      const { request_id } = await world.price({ user });
      if (!told.has(user)) told.set(user, request_id);
    }
    const exposures = await exposed();
    const taken = USERS.filter((user) => expectedOf(user) !== null);
    expect(exposures).toHaveLength(taken.length);
    for (const user of taken) {
      const { high, low } = hashes.ofPerson(user);
      const one = exposures.find(({ userHash }) => userHash === hashText(high, low));
      expect(one).toMatchObject({
        ...{ experimentId: "exp_dearer", variant: expectedOf(user), exposedAt: EVENT_TIME },
        ...{ regionId: "nyc-161", productType: "standard_ride" },
      });
      expect(told.get(user)).toContain(`req_${one?.decisionId}.`);
    }
    expect(world.queue.join()).not.toContain("user-");
    const series = (name: string, variant: string) =>
      world.metric(`${name}{experiment="exp_dearer",variant="${variant}"}`);
    const dearer = taken.filter((user) => expectedOf(user) === "dearer").length;
    expect(await series("pricing_experiment_exposures_total", "dearer")).toBe(dearer);
    expect(await series("pricing_experiment_prices_total", "dearer")).toBe(2 * dearer);
  });

  it("go from the queue to D1 and from there to whoever analyses", async () => {
    await publish();
    for (const user of USERS) await world.price({ user });
    await world.settle();
    const messages = world.queue.flatMap((text) => exposuresIn(text) ?? []);
    await appendExposures(drizzle(env.DB), messages);
    const response = await world.fetch("/admin/v1/exposures?experiment=exp_dearer", {
      key: "admin",
    });
    const { exposures } = exposuresAnswerSchema.parse(await response.json());
    expect(exposures).toHaveLength(USERS.filter((user) => expectedOf(user) !== null).length);
    const held = knownExperimentsFrom(documentOf());
    if (Array.isArray(held) || !held.document.holdout) throw new Error("no holdout");
    const draw = new HoldoutDraw(held.document.holdout);
    for (const { user_hash } of exposures) {
      const high = Number.parseInt(user_hash.slice(0, 8), 16);
      const low = Number.parseInt(user_hash.slice(8), 16);
      expect(draw.holds({ high, low })).toBe(false);
    }
  });
});

describe("the experiments document", () => {
  it("is not there before it is published, and then is told with its version as ETag", async () => {
    const missing = await world.fetch("/admin/v1/experiments", { key: "admin" });
    expect(await problemOf(missing)).toEqual([404, "not_published"]);
    const version = await publish();
    const read = await world.fetch("/admin/v1/experiments", { key: "admin" });
    expect(read.headers.get("etag")).toBe(`"${version}"`);
    const { document } = (await read.json()) as { document: { experiments: Json[] } };
    expect(document.experiments[0]).toMatchObject({
      ...EXPERIMENT,
      started_at: expect.any(String),
    });
    expect(world.kv.get(POINTER.experiments)).toBe(version);
    expect(JSON.parse(world.kv.get(experimentsKey(version)) ?? "")).toEqual(document);
  });

  it("is not written over by who read another version", async () => {
    const first = await publish();
    const ramped = documentOf({ ...EXPERIMENT, traffic: 0.9 });
    expect((await put(ramped, { "if-match": `"${first}"` })).status).toBe(200);
    const late = await put(documentOf(EXPERIMENT), { "if-match": `"${first}"` });
    expect(await problemOf(late)).toEqual([412, "version_changed"]);
  });

  it.each([
    [
      "no JSON of its shape",
      { experiments: [{ ...EXPERIMENT, traffic: 2 }] },
      "experiments[0].traffic",
    ],
    ["a type at its top", { type: "invalid_rules", experiments: [] }, "type"],
    [
      "two that run in one place",
      documentOf(EXPERIMENT, { ...EXPERIMENT, id: "exp_again", salt: "again-1" }),
      "experiments[1].for",
    ],
    [
      "a region that there is not",
      documentOf({ ...NEW, for: { regions: ["atlantis-1"] } }),
      "experiments[0].for.regions",
    ],
    [
      "rules that were never published",
      documentOf({
        ...NEW,
        variants: [{ name: "control" }, { name: "new", rules_version: "rul_000000000000" }],
      }),
      "experiments[0].variants[1].rules_version",
    ],
    [
      "a model that was never registered",
      documentOf({
        ...NEW,
        variants: [{ name: "control" }, { name: "new", model_version: "mdl_000000000000" }],
      }),
      "experiments[0].variants[1].model_version",
    ],
  ])("is refused with %s, and the one in force stays", async (_, document, path) => {
    const version = await publish();
    expect(await problemOf(await put(document))).toEqual([422, "invalid_experiments", path]);
    expect(world.kv.get(POINTER.experiments)).toBe(version);
  });

  it("is refused when it would move users of an experiment that has begun, be it stopped", async () => {
    await publish();
    const weighted = {
      ...EXPERIMENT,
      variants: [{ name: "control" }, { ...EXPERIMENT.variants[1], weight: 3 }],
    };
    const problem = [422, "invalid_experiments", "experiments[0].variants"];
    expect(await problemOf(await put(documentOf(weighted)))).toEqual(problem);
    await publish(documentOf({ ...EXPERIMENT, status: "stopped" }));
    expect(await problemOf(await put(documentOf(weighted)))).toEqual(problem);
  });

  it("is started, ramped and stopped one experiment at a time, each change in the audit", async () => {
    await publish(documentOf({ ...EXPERIMENT, status: "stopped", traffic: 0 }));
    const user = someone("dearer");
    const variant = async () => (await world.price({ user })).experiment?.variant ?? null;
    expect(await variant()).toBeNull();
    expect((await act("start")).status).toBe(200);
    expect(await variant()).toBeNull();
    const ramped = await act("ramp", { traffic: 1 });
    expect(ramped.headers.get("etag")).toMatch(/^"exs_/);
    expect(await variant()).toBe("dearer");
    expect((await act("stop")).status).toBe(200);
    expect(await variant()).toBeNull();
    expect((await act("start")).status).toBe(200);
    expect(await variant()).toBe("dearer");
    const changes = await world.fetch("/admin/v1/changes", { key: "admin" });
    const audit = ((await changes.json()) as { changes: Json[] }).changes;
    expect(audit.filter(({ what, applied }) => what === "experiments" && applied)).toHaveLength(5);
    expect(audit[0]).toMatchObject({ changed_by: "key_admin" });
  });

  it("knows no experiment by another id, and no traffic beyond all of it", async () => {
    await publish();
    expect(await problemOf(await act("stop", undefined, "exp_other"))).toEqual([
      ...[404, "unknown_experiment"],
    ]);
    expect(await problemOf(await act("ramp", { traffic: 1.5 }))).toEqual([
      ...[422, "invalid_request", "traffic"],
    ]);
  });

  it("put into KV by hand counts too; one that cannot be used leaves the last good one", async () => {
    const version = await publish();
    world.kv.set(experimentsKey("exs_bad"), '{"experiments":[{}]}');
    world.kv.set(POINTER.experiments, "exs_bad");
    world.aheadMs += 11_000;
    await world.price();
    await world.settle();
    expect((await world.price({ user: someone("dearer") })).experiment?.variant).toBe("dearer");
    expect(await world.metric('pricing_config_refused_total{what="experiments"}')).toBe(1);
    expect(await world.metric(`pricing_config_info{what="experiments",version="${version}"}`)).toBe(
      1,
    );
    const read = knownExperimentsFrom(documentOf({ ...EXPERIMENT, status: "stopped" }));
    if (Array.isArray(read)) throw new Error("unsound");
    world.kv.set(experimentsKey(read.version), JSON.stringify(read.json));
    world.kv.set(POINTER.experiments, read.version);
    world.aheadMs += 11_000;
    await world.price();
    await world.settle();
    expect((await world.price({ user: someone("dearer") })).experiment).toBeNull();
  });
});
