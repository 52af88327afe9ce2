import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { POINTER } from "../../../contract/store-keys.ts";
import { SHIPPED } from "../../../workers/pricing/documents.ts";
import { migrate } from "./migrate.ts";
import { World } from "./world.ts";

beforeAll(migrate);

let world: World;
let tests = 0;
beforeEach(async () => {
  world = new World();
  // D1 is one for all tests here: each is made long after the others.
  world.aheadMs = ++tests * 1_000_000;
  await world.publishShipped();
  await world.warmUp();
});

const rulesAt = (basePrice: number) => {
  const rules = structuredClone(
    SHIPPED.rules.json,
  ) as typeof import("../../../rules/generated/ride-hailing.json");
  for (const layer of rules.rules) layer.products.standard_ride.base_price = basePrice;
  return rules;
};
const change = (method: string, path: string, body: unknown, headers = {}) =>
  world.fetch(path, {
    method,
    key: "admin",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
const putRules = (basePrice: number, headers = {}) =>
  change("PUT", "/admin/v1/rules", rulesAt(basePrice), headers);
const problemOf = async (response: Response) =>
  [response.status, ((await response.json()) as { type: string }).type.split("#")[1]] as const;

describe("a change with If-Match", () => {
  it("is made of the version that was read, and refused once there is another", async () => {
    const etag = (await world.fetch("/admin/v1/rules", { key: "admin" })).headers.get("etag");
    expect(etag).toBe(`"${SHIPPED.rules.version}"`);
    const first = await putRules(16, { "if-match": etag });
    expect(first.status).toBe(200);
    expect(first.headers.get("etag")).toMatch(/^"rul_[0-9a-f]{12}"$/);
    expect(await problemOf(await putRules(17, { "if-match": etag }))).toEqual([
      412,
      "version_changed",
    ]);
    expect((await world.price()).base_price).toBe(16);
  });

  it("is made once of many at the same time, even where KV still shows all of them the version before", async () => {
    const headers = { "if-match": `"${SHIPPED.rules.version}"` };
    const answers = await Promise.all(
      [21, 22, 23, 24].map(async (basePrice) => {
        const answer = await putRules(basePrice, headers);
        // As another location would see it for a while.
        world.kv.set(POINTER.rules, SHIPPED.rules.version);
        return answer.status;
      }),
    );
    expect(answers.toSorted()).toEqual([200, 412, 412, 412]);
  });

  it("goes by what KV says once a change is a while ago: bare wrangler moves pointers too", async () => {
    const headers = { "if-match": `"${SHIPPED.rules.version}"` };
    expect((await putRules(25, headers)).status).toBe(200);
    world.kv.set(POINTER.rules, SHIPPED.rules.version);
    world.aheadMs += 80_000;
    expect((await putRules(26, headers)).status).toBe(200);
  });

  it("is not needed to change what nobody else changes", async () => {
    expect((await putRules(18)).status).toBe(200);
    expect((await putRules(19)).status).toBe(200);
  });
});

describe("rules that were in force", () => {
  it("are listed, read, and rolled back to", async () => {
    const { version } = (await (await putRules(31)).json()) as { version: string };
    const { version: next } = (await (await putRules(32)).json()) as { version: string };
    const listed = await world.fetch("/admin/v1/rules/versions", { key: "admin" });
    const { versions } = (await listed.json()) as { versions: { version: string }[] };
    expect(versions.slice(0, 2)).toMatchObject([
      { version: next, current: true, published_by: expect.stringMatching(/^key_/) },
      { version, current: false },
    ]);
    const read = await world.fetch(`/admin/v1/rules/versions/${version}`, { key: "admin" });
    expect(await read.json()).toEqual({ version, document: rulesAt(31) });

    const back = await change("POST", "/admin/v1/rules/rollback", {});
    expect(await back.json()).toEqual({ version, previous: next });
    expect((await world.price()).base_price).toBe(31);
    const named = await change("POST", "/admin/v1/rules/rollback", { version: next });
    expect(await named.json()).toEqual({ version: next, previous: version });
  });

  it("go back past a version that was published twice", async () => {
    const { version } = (await (await putRules(33)).json()) as { version: string };
    await putRules(34);
    await putRules(34);
    const back = await change("POST", "/admin/v1/rules/rollback", {});
    expect(await back.json()).toMatchObject({ version });
  });

  it("are refused under the key of a version whose content is another", async () => {
    const { version } = (await (await putRules(35)).json()) as { version: string };
    world.kv.set(`rules/${version}`, JSON.stringify(rulesAt(36)));
    world.coldIsolate();
    await world.price();
    await world.settle();
    expect((await world.price()).base_price).not.toBe(36);
    expect(await world.metric('pricing_config_refused{what="rules"}')).toBe(1);
  });

  it.each([
    ["that never were", "rul_ffffffffffff", [404, "unknown_rules"]],
    ["of a name that is none", "latest", [422, "invalid_request"]],
  ])("%s are no place to go back to", async (_, version, problem) => {
    const response = await change("POST", "/admin/v1/rules/rollback", { version });
    expect(await problemOf(response)).toEqual(problem);
  });
});

describe("emergency measures", () => {
  const storm = {
    name: "storm",
    for: { regions: ["nyc-161"] },
    max_multiplier: 0.5,
    reason: "a storm",
  };

  it("are taken, shown with who took them, and lifted", async () => {
    const none = await world.fetch("/admin/v1/emergency", { key: "admin" });
    expect(await none.json()).toEqual({ version: null, document: { caps: [], freezes: [] } });
    const { base_price } = await world.price();
    const taken = await change("PUT", "/admin/v1/emergency", { caps: [storm] });
    expect(taken.status).toBe(200);
    expect((await world.price()).price).toBe(base_price / 2);
    const shown = await world.fetch("/admin/v1/emergency", { key: "admin" });
    const { document } = (await shown.json()) as { document: { caps: unknown[] } };
    const signed = { ...storm, by: expect.stringMatching(/^key_/), at: expect.any(String) };
    expect(document.caps).toEqual([signed]);

    const etag = shown.headers.get("etag") ?? "";
    const lifted = await change("PUT", "/admin/v1/emergency", {}, { "if-match": etag });
    expect(lifted.status).toBe(200);
    expect((await world.price()).adjustments.emergency_cap).toBe(0);
  });

  it("that say nothing are refused, by the path of what is missing", async () => {
    const { max_multiplier: _, ...nothing } = storm;
    const response = await change("PUT", "/admin/v1/emergency", { caps: [nothing] });
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({
      type: "/docs/problems#invalid_emergency",
      errors: [{ path: "caps[0]" }],
    });
  });
});

describe("GET /admin/v1/features/{region_id}", () => {
  it("tells what the region's prices are made from, and what was told lately", async () => {
    const { price } = await world.price();
    await world.settle();
    world.region().tick();
    const response = await world.fetch("/admin/v1/features/nyc-161", { key: "admin" });
    expect(await response.json()).toMatchObject({
      region_id: "nyc-161",
      tick: world.region().latest.tick,
      feature_set_version: "fs1",
      features: { bookingLag1: 0 },
      context: { available_drivers: 4 },
      told: { standard_ride: [{ price }] },
    });
    const nowhere = await world.fetch("/admin/v1/features/nyc-0", { key: "admin" });
    expect(await problemOf(nowhere)).toEqual([404, "unknown_region"]);
  });
});

describe("GET /admin/v1/regions", () => {
  it("tells the document in force and its version", async () => {
    const response = await world.fetch("/admin/v1/regions", { key: "admin" });
    const { version, document } = SHIPPED.regions;
    expect(response.headers.get("etag")).toBe(`"${version}"`);
    expect(await response.json()).toEqual({ version, document });
  });
});
