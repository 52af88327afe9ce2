import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { modelVersionOf } from "../../../contract/model.ts";
import { POINTER } from "../../../contract/store-keys.ts";
import type { ModelVersion } from "../../../domain/units.ts";
import { SHIPPED } from "../../../workers/pricing/documents.ts";
import { migrate } from "./migrate.ts";
import { modelForm, SHIPPED_CARD, SHIPPED_CARD_JSON, shippedOnnx } from "./shipped-model.ts";
import { World } from "./world.ts";

beforeAll(migrate);

let world: World;
beforeEach(async () => {
  world = new World();
});

const shippedRules = () =>
  structuredClone(
    SHIPPED.rules.json,
  ) as typeof import("../../../rules/generated/ride-hailing.json");
const problemOf = async (response: Response) =>
  [response.status, ((await response.json()) as { type: string }).type.split("#")[1]] as const;
const putModel = (form: FormData, version = SHIPPED_CARD.version) =>
  world.fetch(`/admin/v1/models/${version}`, { method: "PUT", key: "admin", body: form });
const publish = (version: string = SHIPPED_CARD.version) =>
  world.fetch(`/admin/v1/models/${version}/publish`, { method: "POST", key: "admin" });

describe("rules", () => {
  it("are not there before any were published, though prices are made by the shipped ones", async () => {
    expect(await problemOf(await world.fetch("/admin/v1/rules", { key: "admin" }))).toEqual([
      404,
      "not_published",
    ]);
    expect((await world.price()).rules_version).toBe(SHIPPED.rules.version);
  });

  it("come into force at once, and are told back as they were sent", async () => {
    await world.publishShipped();
    await world.warmUp();
    const rules = shippedRules();
    for (const layer of rules.rules) layer.products.standard_ride.base_price = 16;
    const response = await world.send("PUT", "/admin/v1/rules", rules, "admin");
    const { version, previous } = (await response.json()) as { version: string; previous: string };
    expect(response.status).toBe(200);
    expect(previous).toBe(SHIPPED.rules.version);
    expect(await world.price()).toMatchObject({ base_price: 16, rules_version: version });
    const read = await world.fetch("/admin/v1/rules", { key: "admin" });
    expect(await read.json()).toEqual({ version, document: rules });
    expect(await world.metric(`pricing_config_info{what="rules",version="${version}"}`)).toBe(1);
    expect(await world.metric(`pricing_config_info{what="rules",version="${previous}"}`)).toBe(0);
  });

  it("are the same version however they are laid out, and roll back by being sent again", async () => {
    await world.publishShipped();
    const put = (body: string) =>
      world.fetch("/admin/v1/rules", {
        method: "PUT",
        key: "admin",
        headers: { "content-type": "application/json" },
        body,
      });
    const changed = { ...shippedRules(), groups: { midtown: ["nyc-161"] } };
    const { version } = (await (await put(JSON.stringify(changed))).json()) as { version: string };
    const back = await put(JSON.stringify(shippedRules(), null, 4));
    expect(await back.json()).toEqual({ version: SHIPPED.rules.version, previous: version });
  });

  it("are refused with the path of each fault, and change nothing", async () => {
    await world.publishShipped();
    const rules = shippedRules();
    for (const layer of rules.rules) layer.constraints.min_multiplier = 4;
    const response = await world.send("PUT", "/admin/v1/rules", rules, "admin");
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({
      type: "/docs/problems#invalid_rules",
      errors: [{ path: "rules[0].constraints.min_multiplier" }],
    });
    expect(world.kv.get(POINTER.rules)).toBe(SHIPPED.rules.version);
  });

  it("must price every product of every published region, in its currency", async () => {
    await world.publishShipped();
    const rules = {
      rules: shippedRules().rules.map(({ products: { standard_ride }, ...layer }) => {
        return { ...layer, products: { standard_ride }, currency: "EUR" };
      }),
    };
    const response = await world.send("PUT", "/admin/v1/rules", rules, "admin");
    const { errors } = (await response.json()) as { errors: { path: string }[] };
    expect(response.status).toBe(422);
    expect(new Set(errors.map((error) => error.path))).toEqual(new Set(["rules"]));
  });

  it("that were spoilt in the store are refused, logged and counted; the last good ones stay", async () => {
    await world.publishShipped();
    await world.warmUp();
    world.kv.set("rules/rul_000000000000", '{"rules":[]}');
    world.kv.set(POINTER.rules, "rul_000000000000");
    world.aheadMs += 11_000;
    await world.price();
    await world.settle();
    expect((await world.price()).rules_version).toBe(SHIPPED.rules.version);
    expect(world.logs).toContainEqual(
      expect.objectContaining({ level: "error", what: "rules", kept: SHIPPED.rules.version }),
    );
    expect(await world.metric('pricing_config_refused_total{what="rules"}')).toBe(1);
    // Once: what cannot be used is not read again every ten seconds.
    world.aheadMs += 11_000;
    await world.price();
    await world.settle();
    expect(await world.metric('pricing_config_refused_total{what="rules"}')).toBe(1);
  });

  it("that are named before they have spread come into force when they have", async () => {
    await world.publishShipped();
    world.kv.delete(`rules/${SHIPPED.rules.version}`);
    const rules = { ...shippedRules(), groups: { midtown: ["nyc-161"] } };
    await world.send("PUT", "/admin/v1/rules", rules, "admin");
    const version = world.kv.get(POINTER.rules) ?? "";
    const text = world.kv.get(`rules/${version}`) ?? "";
    world.kv.delete(`rules/${version}`);
    world.coldIsolate();
    expect((await world.price()).rules_version).toBe(SHIPPED.rules.version);
    world.kv.set(`rules/${version}`, text);
    world.aheadMs += 11_000;
    await world.price();
    await world.settle();
    expect((await world.price()).rules_version).toBe(version);
  });
});

describe("rules put straight into the store", () => {
  const dearer = () => {
    const rules = shippedRules();
    for (const layer of rules.rules) layer.products.standard_ride.base_price = 16;
    return rules;
  };
  const later = async () => {
    world.aheadMs += 11_000;
    await world.price();
    await world.settle();
    return world.price();
  };

  it.each([
    ["as the pointer itself", (text: string) => world.kv.set(POINTER.rules, `${text}\n`)],
    [
      "under a name of their own",
      (text: string) => {
        world.kv.set("rules/spring-fares", text);
        world.kv.set(POINTER.rules, "spring-fares\n");
      },
    ],
  ])("%s come into force, under the version of their content", async (_, put) => {
    await world.publishShipped();
    await world.warmUp();
    put(JSON.stringify(dearer(), null, 2));
    const price = await later();
    expect(price.base_price).toBe(16);
    expect(price.rules_version).toMatch(/^rul_[0-9a-f]{12}$/);
    expect(JSON.parse(world.kv.get(`rules/${price.rules_version}`) ?? "null")).toEqual(dearer());
  });

  it("are refused when they are bad: the last good ones stay, and a metric says so until it is mended", async () => {
    await world.publishShipped();
    await world.warmUp();
    const refused = 'pricing_config_refused{what="rules"}';
    for (const bad of ["{", '{"rules":[]}', "no-such-rules"]) {
      world.kv.set(POINTER.rules, bad);
      expect((await later()).rules_version).toBe(SHIPPED.rules.version);
      expect(await world.metric(refused)).toBe(bad.startsWith("{") ? 1 : 0);
    }
    world.kv.set(POINTER.rules, JSON.stringify(dearer()));
    expect((await later()).base_price).toBe(16);
    expect(await world.metric(refused)).toBe(0);
  });
});

describe("emergency measures", () => {
  const put = (document: unknown) => {
    world.kv.set("emergency/emg_0123456789ab", JSON.stringify(document));
    world.kv.set(POINTER.emergency, "emg_0123456789ab");
  };
  const cap = {
    caps: [{ name: "storm", for: { regions: ["nyc-161"] }, max_multiplier: 0.5, reason: "storm" }],
  };

  it("are in force within ten seconds, be it that nobody asked meanwhile", async () => {
    await world.publishShipped();
    await world.warmUp();
    const { base_price } = await world.price();
    put(cap);
    world.aheadMs += 10_000;
    const capped = await world.price();
    expect(capped.price).toBe(base_price / 2);
    expect(capped.adjustments.emergency_cap).toBeLessThan(0);
    const elsewhere = await world.price({ regionId: "nyc-230" });
    expect(elsewhere.adjustments.emergency_cap).toBe(0);
  });

  it("hold frozen prices where they were told last, whatever demand does", async () => {
    await world.publishShipped();
    await world.warmUp();
    const { price } = await world.price();
    await world.settle();
    put({ freezes: [{ name: "all", reason: "a fault" }] });
    world.aheadMs += 5_000;
    world.region().tick({ signals: { ...world.region().latest.signals, bookingCount15m: 900 } });
    await world.price();
    await world.settle();
    const frozen = await world.price();
    expect(frozen.price).toBe(price);
    expect(frozen.adjustments.freeze).not.toBe(0);
  });
});

describe("regions", () => {
  const regions = (ids: string[], fields = {}) => ({
    regions: ids.map((region_id) => ({
      region_id,
      name: region_id,
      timezone: "America/New_York",
      currency: "USD",
      product_types: ["standard_ride"],
      ...fields,
    })),
  });

  it("replace the ones before: what is gone is unknown, what is new is priced", async () => {
    await world.publishShipped();
    await world.warmUp();
    const response = await world.send("PUT", "/admin/v1/regions", regions(["new-1"]), "admin");
    expect(response.status).toBe(200);
    expect(await world.price({ regionId: "new-1" })).toMatchObject({ source: "model" });
    const gone = await world.send("POST", "/api/v1/pricing/compute", {
      region_id: "nyc-161",
      product_type: "standard_ride",
    });
    expect(await problemOf(gone)).toEqual([404, "unknown_region"]);
    const listed = await world.fetch("/api/v1/regions");
    expect(await listed.json()).toEqual(regions(["new-1"]));
  });

  it("are not listed before any were published", async () => {
    expect(await problemOf(await world.fetch("/api/v1/regions"))).toEqual([404, "not_published"]);
  });

  it.each([
    ["that the rules in force do not price", regions(["new-1"], { product_types: ["bike"] })],
    ["in another currency than the rules'", regions(["new-1"], { currency: "EUR" })],
    ["twice under one id", regions(["new-1", "new-1"])],
    ["in no time zone", regions(["new-1"], { timezone: "Mars/Olympus" })],
    ["that are none", { regions: [] }],
  ])("%s are refused", async (_, document) => {
    await world.publishShipped();
    const response = await world.send("PUT", "/admin/v1/regions", document, "admin");
    expect(await problemOf(response)).toEqual([422, "invalid_request"]);
    expect(world.kv.get(POINTER.regions)).toBe(SHIPPED.regions.version);
  });

  it("are told their history", async () => {
    await world.publishShipped();
    const seed = { start_at: "2014-04-01T04:00:00Z", counts: [3, 0, 7] };
    const path = "/admin/v1/regions/nyc-161/history";
    const response = await world.send("PUT", path, seed, "admin");
    expect(await response.json()).toEqual({ region_id: "nyc-161", slots: 3 });
    expect(world.region().history).toEqual({
      startAt: Date.parse(seed.start_at),
      counts: seed.counts,
    });
    const off = await world.send(
      "PUT",
      path,
      { ...seed, start_at: "2014-04-01T04:01:00Z" },
      "admin",
    );
    expect(await problemOf(off)).toEqual([422, "invalid_request"]);
    const unknown = await world.send("PUT", "/admin/v1/regions/no-1/history", seed, "admin");
    expect(await problemOf(unknown)).toEqual([404, "unknown_region"]);
    world.set("fails", "regions");
    expect(await problemOf(await world.send("PUT", path, seed, "admin"))).toEqual([
      503,
      "unavailable",
    ]);
  });
});

describe("a model", () => {
  it("is registered, published, priced with, and listed as current", async () => {
    const form = modelForm(await shippedOnnx(), SHIPPED_CARD_JSON);
    const registered = await putModel(form);
    expect(registered.status).toBe(201);
    expect(await registered.json()).toMatchObject({ registered_by: "key_admin", current: false });
    expect(world.kv.has(POINTER.model)).toBe(false);
    expect(await (await publish()).json()).toEqual({
      version: SHIPPED_CARD.version,
      previous: null,
    });
    expect(await world.price()).toMatchObject({
      source: "model",
      model_version: SHIPPED_CARD.version,
    });
    const listed = await world.fetch("/admin/v1/models", { key: "admin" });
    const { models } = (await listed.json()) as { models: { version: string; current: boolean }[] };
    expect(models).toContainEqual(
      expect.objectContaining({ version: SHIPPED_CARD.version, current: true }),
    );
  });

  const withCard = (change: object) =>
    JSON.stringify({ ...JSON.parse(SHIPPED_CARD_JSON), ...change });
  const firstGolden = SHIPPED_CARD.golden[0] ?? { features: [], quantiles: [] };
  const spoilt: [string, string, object][] = [
    [
      "answers a golden input otherwise than its card",
      "card.golden[0]",
      {
        golden: [{ ...firstGolden, quantiles: firstGolden.quantiles.map((value) => value + 1) }],
      },
    ],
    [
      "knows features of another version",
      "card.feature_set_version",
      { feature_set_version: "fs0" },
    ],
    ["knows other features", "card.feature_names", { feature_names: ["bookingLag1"] }],
    ["forecasts other horizons", "card.horizons_minutes", { horizons_minutes: [15, 30] }],
    ["is not the bytes of its card", "card.version", { version: "mdl_000000000000" }],
    ["has no golden answers", "card.golden", { golden: [] }],
  ];
  it.each(spoilt)("that %s is refused: %s", async (_, path, change) => {
    const response = await putModel(modelForm(await shippedOnnx(), withCard(change)));
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({
      type: "/docs/problems#invalid_model",
      errors: [{ path }],
    });
    expect(world.r2.size).toBe(0);
  });

  it("that is no graph is refused, and the runtime survives it", async () => {
    const bytes = new Uint8Array(new TextEncoder().encode("not ONNX at all"));
    const version = modelVersionOf(bytes);
    const response = await putModel(modelForm(bytes, withCard({ version })), version);
    expect(await response.json()).toMatchObject({ status: 422, errors: [{ path: "model" }] });
    const good = await putModel(modelForm(await shippedOnnx(), SHIPPED_CARD_JSON));
    expect(good.status).toBe(201);
  });

  it("is refused under an address that is not its version", async () => {
    const form = modelForm(await shippedOnnx(), SHIPPED_CARD_JSON);
    const response = await putModel(form, "mdl_000000000000" as ModelVersion);
    expect(await problemOf(response)).toEqual([422, "invalid_model"]);
  });

  it("is asked for as a form with both files", async () => {
    const json = await world.send("PUT", "/admin/v1/models/mdl_000000000000", {}, "admin");
    expect(await problemOf(json)).toEqual([415, "unsupported_media_type"]);
    const half = modelForm(await shippedOnnx(), SHIPPED_CARD_JSON);
    half.delete("card");
    expect(await problemOf(await putModel(half))).toEqual([422, "invalid_request"]);
    const noForm = await world.fetch("/admin/v1/models/mdl_000000000000", {
      method: "PUT",
      key: "admin",
      headers: { "content-type": "multipart/form-data; boundary=x" },
      body: "no form",
    });
    expect(await problemOf(noForm)).toEqual([422, "invalid_request"]);
  });

  it("that was never registered cannot be published", async () => {
    expect(await problemOf(await publish("mdl_000000000000"))).toEqual([404, "unknown_model"]);
  });

  it("that was spoilt in the store is not priced with: the last good one stays", async () => {
    await world.publishShipped();
    await world.warmUp();
    const bad = "mdl_000000000000" as ModelVersion;
    world.publishModel(await shippedOnnx(), withCard({ version: bad }), bad);
    world.aheadMs += 11_000;
    await world.price();
    await world.settle();
    expect(await world.price()).toMatchObject({
      source: "model",
      model_version: SHIPPED_CARD.version,
    });
    expect(await world.metric('pricing_config_refused_total{what="model"}')).toBe(1);
    expect(await problemOf(await publish(bad))).toEqual([422, "invalid_model"]);
  });
});

describe("a change", () => {
  it("is in the audit with who, what, before and after", async () => {
    await world.publishShipped();
    const rules = { ...shippedRules(), groups: { midtown: ["nyc-161"] } };
    await world.send("PUT", "/admin/v1/rules", rules, "admin");
    const response = await world.fetch("/admin/v1/changes", { key: "admin" });
    const { changes } = (await response.json()) as { changes: object[] };
    expect(changes[0]).toMatchObject({
      changed_by: "key_admin",
      what: "rules",
      before: SHIPPED.rules.version,
      after: world.kv.get(POINTER.rules),
      applied: true,
    });
  });

  it.each(["kv", "d1"] as const)(
    "is refused while %s is down, and nothing has changed",
    async (name) => {
      await world.publishShipped();
      world.set("fails", name);
      const rules = { ...shippedRules(), groups: { midtown: ["nyc-161"] } };
      const response = await world.send("PUT", "/admin/v1/rules", rules, "admin");
      expect(await problemOf(response)).toEqual([503, "unavailable"]);
      expect(world.kv.get(POINTER.rules)).toBe(SHIPPED.rules.version);
    },
  );
});

describe("readiness", () => {
  it("is denied until a model is published, and sets loading off", async () => {
    const before = await world.fetch("/readyz", { key: null });
    expect(await problemOf(before)).toEqual([503, "unavailable"]);
    await world.publishShipped();
    world.aheadMs += 11_000;
    expect((await world.fetch("/readyz", { key: null })).status).toBe(200);
  });

  it("is denied while no region answers", async () => {
    await world.publishShipped();
    world.set("fails", "regions");
    expect(await problemOf(await world.fetch("/readyz", { key: null }))).toEqual([
      503,
      "unavailable",
    ]);
  });
});
