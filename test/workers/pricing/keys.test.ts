/** Managed keys and the tokens they get, through the Worker. */
import { env } from "cloudflare:workers";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { configChangesAnswerSchema } from "../../../contract/admin.ts";
import {
  keyAnswerSchema,
  keysAnswerSchema,
  type NewKeyAnswer,
  newKeyAnswerSchema,
} from "../../../contract/key-admin.ts";
import { KEYS_DOCUMENT } from "../../../contract/managed-keys.ts";
import { oauthErrorSchema, tokenAnswerSchema } from "../../../contract/oauth.ts";
import { problemSchema } from "../../../contract/problem.ts";
import { migrate } from "./migrate.ts";
import { KEYS, SCOPE, World } from "./world.ts";

const PATH = "/admin/v1/keys";
const COMPUTE = "/api/v1/pricing/compute";

beforeAll(migrate);

let world: World;
beforeEach(async () => {
  await env.DB.batch(
    ["api_keys", "api_key_secrets", "config_changes"].map((table) =>
      env.DB.prepare(`DELETE FROM ${table}`),
    ),
  );
  world = await (await new World().publishShipped()).warmUp();
});

async function make(fields: object = {}): Promise<NewKeyAnswer> {
  const response = await world.send(
    "POST",
    PATH,
    { name: "shop", role: "pricing", ...fields },
    "admin",
  );
  expect(response.status).toBe(201);
  expect(response.headers.get("cache-control")).toBe("no-store");
  return newKeyAnswerSchema.parse(await response.json());
}
async function rotate(id: string, grace_period_s?: number): Promise<NewKeyAnswer> {
  const body = grace_period_s === undefined ? {} : { grace_period_s };
  const response = await world.send("POST", `${PATH}/${id}/rotate`, body, "admin");
  expect(response.status).toBe(200);
  return newKeyAnswerSchema.parse(await response.json());
}
const revoke = (id: string) => world.fetch(`${PATH}/${id}`, { method: "DELETE", key: "admin" });
const price = (credential: string, region_id: string = SCOPE) =>
  world.fetch(COMPUTE, {
    ...{ method: "POST", key: null },
    headers: { "content-type": "application/json", authorization: `Bearer ${credential}` },
    body: JSON.stringify({ region_id, product_type: "standard_ride" }),
  });
const typeOf = async (response: Response) =>
  problemSchema.parse(await response.json()).type.split("#")[1];
const changes = async () => {
  const response = await world.fetch("/admin/v1/changes", { key: "admin" });
  return configChangesAnswerSchema.parse(await response.json()).changes;
};
/** The key of a warm isolate elsewhere: it has read the keys, and hears nothing of changes here. */
async function elsewhere(): Promise<World> {
  const other = await new World().publishShipped();
  other.kv.set(KEYS_DOCUMENT, world.kv.get(KEYS_DOCUMENT) ?? "");
  return other.warmUp();
}

describe("a managed key", () => {
  it("is told once, kept as a hash, and works at once for what its role may", async () => {
    const { key, id, secrets } = await make();
    expect(key).toMatch(/^key_[0-9a-f]{12}\.[\w-]{43}$/);
    expect(secrets).toEqual([
      { prefix: key.slice(0, 21), created_at: expect.any(String), valid_until: null },
    ]);
    expect((await price(key)).status).toBe(200);
    const secret = key.slice(key.indexOf(".") + 5);
    const { results } = await env.DB.prepare("SELECT * FROM api_key_secrets").all();
    const everywhere = [
      ...[results, world.kv.get(KEYS_DOCUMENT), world.logs, await changes()],
      await (await world.fetch(PATH, { key: "admin" })).json(),
      await (await world.fetch(`${PATH}/${id}`, { key: "admin" })).json(),
    ];
    for (const place of everywhere) expect(JSON.stringify(place)).not.toContain(secret);
    expect(
      (await world.fetch(PATH, { key: null, headers: { authorization: `Bearer ${key}` } })).status,
    ).toBe(403);
  });

  it("is for its regions only, and under its limits", async () => {
    const { key } = await make({
      regions: [SCOPE],
      limits: { per_region: { requests_per_minute: 1, burst: 2 } },
    });
    expect(await typeOf(await price(key, "nyc-234"))).toBe("forbidden_region");
    const statuses = [];
    for (let i = 0; i < 3; i++) statuses.push((await price(key)).status);
    expect(statuses).toEqual([200, 200, 429]);
  });

  it("ends when it was said to", async () => {
    const expires_at = new Date(world.wallNow() + 60_000).toISOString();
    const { key, id } = await make({ expires_at });
    expect((await price(key)).status).toBe(200);
    world.aheadMs += 60_001;
    const late = await price(key);
    expect(late.headers.get("www-authenticate")).toContain("past its time");
    expect(late.status).toBe(401);
    const shown = await world.fetch(`${PATH}/${id}`, { key: "admin" });
    expect(keyAnswerSchema.parse(await shown.json()).state).toBe("expired");
    const rotated = await world.send("POST", `${PATH}/${id}/rotate`, {}, "admin");
    expect(await typeOf(rotated)).toBe("key_not_in_force");
  });

  it("is rotated with both good for the grace period, then the new one alone", async () => {
    const old = await make();
    const rotated = await rotate(old.id, 3_600);
    expect(rotated.id).toBe(old.id);
    expect(rotated.secrets.map(({ valid_until }) => valid_until === null)).toEqual([true, false]);
    expect((await price(old.key)).status).toBe(200);
    expect((await price(rotated.key)).status).toBe(200);
    world.aheadMs += 3_600_001;
    expect((await price(old.key)).status).toBe(401);
    expect((await price(rotated.key)).status).toBe(200);
    const again = await rotate(old.id, 0);
    expect((await price(rotated.key)).status).toBe(401);
    expect((await price(again.key)).status).toBe(200);
  });

  it("is rotated by two at once without a loss", async () => {
    const { id } = await make();
    const both = await Promise.all([rotate(id, 60), rotate(id, 60)]);
    for (const { key } of both) expect((await price(key)).status).toBe(200);
  });

  it("is revoked here at once, elsewhere within ten seconds, in a busy isolate and in an idle one", async () => {
    const { key, id } = await make();
    const [busy, idle] = [await elsewhere(), await elsewhere()];
    const askAt = (isolate: World) => {
      const here = world;
      world = isolate;
      return price(key).finally(() => {
        world = here;
      });
    };
    for (const isolate of [busy, idle]) expect((await askAt(isolate)).status).toBe(200);
    expect((await revoke(id)).status).toBe(200);
    expect(await typeOf(await price(key))).toBe("unauthenticated");

    for (const isolate of [busy, idle]) {
      isolate.kv.set(KEYS_DOCUMENT, world.kv.get(KEYS_DOCUMENT) ?? "");
    }
    const statuses: number[] = [];
    for (let second = 0; second < 10; second++) {
      busy.aheadMs += 1_000;
      statuses.push((await askAt(busy)).status);
      await busy.settle();
    }
    expect(statuses.at(-1)).toBe(401);
    idle.aheadMs += 10_000;
    expect((await askAt(idle)).status).toBe(401);
  });

  it("costs no read of its own, known or not", async () => {
    const { key } = await make();
    let reads = 0;
    const { kv } = world;
    const get = kv.get.bind(kv);
    kv.get = (name) => {
      if (name === KEYS_DOCUMENT) reads++;
      return get(name);
    };
    world.coldIsolate();
    const all = await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        price(i % 2 ? key : `key_00000000000${i % 10}.${"x".repeat(43)}`),
      ),
    );
    expect(all.map(({ status }) => status === 200)).toEqual(all.map((_, i) => i % 2 === 1));
    expect(reads).toBe(1);
    world.aheadMs += 6_000;
    for (let i = 0; i < 20; i++) await price("nobodys-key");
    await world.settle();
    expect(reads).toBe(2);
  });

  it("stays good while KV does not answer; a cold isolate then says to come again, and lets deployed keys in", async () => {
    const { key } = await make();
    world.set("fails", "kv").aheadMs += 60_000;
    expect((await price(key)).status).toBe(200);
    world.coldIsolate();
    const cold = await price(key);
    expect(cold.headers.get("retry-after")).toBe("2");
    expect(await typeOf(cold)).toBe("unavailable");
    expect((await price(KEYS.pricing)).status).toBe(200);
    expect(await world.metric("access_keys_unread_total")).toBeGreaterThan(0);
  });

  it("that cannot be put in force is told so, and is with the next change", async () => {
    world.set("fails", "kv");
    const failed = await world.send("POST", PATH, { name: "x", role: "viewer" }, "admin");
    expect(await typeOf(failed)).toBe("unavailable");
    expect((await changes())[0]).toMatchObject({ what: "key", applied: false });
    world.set("works", "kv").aheadMs += 3_000;
    await make();
    expect(JSON.parse(world.kv.get(KEYS_DOCUMENT) ?? "").keys).toHaveLength(2);
  });

  it.each([
    ["no name", { name: undefined }, "name"],
    ["a role that is not there", { role: "king" }, "role"],
    ["a region that cannot be one", { regions: ["?"] }, "regions[0]"],
    ["no region at all", { regions: [] }, "regions"],
    ["an administrator in a page", { role: "admin", public: true }, "public"],
    ["an end in the past", { expires_at: "2020-01-01T00:00:00Z" }, "expires_at"],
    ["a field that is not there", { sha256: "0" }, "sha256"],
  ])("is not made with %s", async (_, fields, path) => {
    const body = { name: "shop", role: "pricing", ...fields };
    const response = await world.send("POST", PATH, body, "admin");
    expect(response.status).toBe(422);
    const { errors } = problemSchema.parse(await response.json());
    expect(errors?.map((error) => error.path)).toEqual([path]);
  });

  it("that is not there cannot be shown, rotated or revoked", async () => {
    const nowhere = `${PATH}/key_000000000000`;
    expect(await typeOf(await world.fetch(nowhere, { key: "admin" }))).toBe("unknown_key");
    expect(await typeOf(await world.send("POST", `${nowhere}/rotate`, {}, "admin"))).toBe(
      "unknown_key",
    );
    expect(await typeOf(await revoke("key_000000000000"))).toBe("unknown_key");
  });
});

describe("the list and the audit", () => {
  it("show every key in pages, those of the deployment beside them, and who did what", async () => {
    const made = [await make({ name: "a" }), await make({ name: "b" }), await make({ name: "c" })];
    await rotate(made[0]?.id ?? "");
    await revoke(made[1]?.id ?? "");
    const names: string[] = [];
    let after = "";
    for (let pages = 0; pages < 4; pages++) {
      const response = await world.fetch(`${PATH}?limit=2${after}`, { key: "admin" });
      const page = keysAnswerSchema.parse(await response.json());
      names.push(...page.keys.map(({ name, state }) => `${name} ${state}`));
      expect(page.deployed?.length ?? 0).toBe(pages === 0 ? Object.keys(KEYS).length : 0);
      if (page.next === null) break;
      after = `&after=${page.next}`;
    }
    expect(names.toSorted()).toEqual(["a active", "b revoked", "c active"]);

    const lines = (await changes()).filter(({ what }) => what === "key");
    expect(lines).toHaveLength(5);
    expect(lines.every(({ changed_by, applied }) => changed_by === "key_admin" && applied)).toBe(
      true,
    );
    const [revoked, rotated, first] = lines;
    expect(JSON.parse(revoked?.before ?? "")).toMatchObject({ name: "b", state: "active" });
    expect(JSON.parse(revoked?.after ?? "")).toMatchObject({ name: "b", state: "revoked" });
    expect(JSON.parse(rotated?.after ?? "").secrets).toHaveLength(2);
    expect(first).toMatchObject({ before: null });
  });
});

function ask(form: Record<string, string> | string, headers: Record<string, string> = {}) {
  return world.fetch("/oauth/token", {
    ...{ method: "POST", key: null },
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
    body: typeof form === "string" ? form : new URLSearchParams(form).toString(),
  });
}
const GRANT = { grant_type: "client_credentials" };
const basic = (id: string, secret: string) => ({
  authorization: `Basic ${btoa(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`)}`,
});
async function tokenOf(form: Record<string, string>, headers = {}) {
  const response = await ask({ ...GRANT, ...form }, headers);
  expect(response.headers.get("cache-control")).toBe("no-store");
  return tokenAnswerSchema.parse(await response.json());
}

describe("the token endpoint", () => {
  it("gives a key of the deployment and a managed one a token, by HTTP Basic and by form", async () => {
    const { id, key } = await make();
    const tokens = [
      await tokenOf({}, basic("key_pricing", KEYS.pricing)),
      await tokenOf({ client_id: "key_pricing", client_secret: KEYS.pricing }),
      await tokenOf({}, basic(id, key)),
      await tokenOf({ client_id: id, client_secret: key }),
    ];
    for (const { access_token, expires_in, token_type } of tokens) {
      expect([expires_in, token_type]).toEqual([900, "Bearer"]);
      expect((await price(access_token)).status).toBe(200);
    }
    expect(await world.metric("access_tokens_issued_total")).toBe(4);
  });

  it("narrows by scope, never widens", async () => {
    const credentials = { client_id: "key_admin", client_secret: KEYS.admin };
    const { access_token, scope } = await tokenOf({
      ...credentials,
      scope: "rules:read prices:read",
    });
    expect(scope).toBe("prices:read rules:read");
    expect((await price(access_token)).status).toBe(200);
    const headers = { authorization: `Bearer ${access_token}` };
    expect((await world.fetch("/admin/v1/rules", { key: null, headers })).status).toBe(200);
    expect((await world.fetch("/admin/v1/models", { key: null, headers })).status).toBe(403);
  });

  it("keeps a token to the regions of its key", async () => {
    const { id, key } = await make({ regions: [SCOPE] });
    const { access_token } = await tokenOf({ client_id: id, client_secret: key });
    expect((await price(access_token)).status).toBe(200);
    expect(await typeOf(await price(access_token, "nyc-234"))).toBe("forbidden_region");
  });

  it("gives tokens that end with their key, when it expires and when it is revoked", async () => {
    const expires_at = new Date(world.wallNow() + 120_000).toISOString();
    const short = await make({ expires_at });
    const { expires_in, access_token } = await tokenOf({}, basic(short.id, short.key));
    expect(expires_in).toBeLessThanOrEqual(120);
    expect((await price(access_token)).status).toBe(200);
    await revoke(short.id);
    const refused = await price(access_token);
    expect(refused.headers.get("www-authenticate")).toContain("not in force any more");
    expect(world.logs.at(-1)).toMatchObject({ reason: "revoked_client", who: short.id });
  });

  it("shares the limits of the key among its tokens", async () => {
    const { id, key } = await make({ limits: { per_key: { requests_per_minute: 1, burst: 3 } } });
    const { access_token } = await tokenOf({}, basic(id, key));
    const statuses = [];
    for (const credential of [key, access_token, key, access_token]) {
      statuses.push((await price(credential)).status);
    }
    expect(statuses).toEqual([200, 200, 429, 429]);
  });

  const good = { client_id: "key_pricing", client_secret: KEYS.pricing };
  const refused: [
    string,
    Record<string, string> | string,
    Record<string, string>,
    number,
    string,
  ][] = [
    ["no grant type", good, {}, 400, "invalid_request"],
    ["another grant", { ...good, grant_type: "password" }, {}, 400, "unsupported_grant_type"],
    ["no client", GRANT, {}, 400, "invalid_request"],
    ["no secret", { ...GRANT, client_id: "key_pricing" }, {}, 400, "invalid_request"],
    ["a wrong secret", { ...GRANT, ...good, client_secret: "x" }, {}, 401, "invalid_client"],
    [
      "another key's secret",
      { ...GRANT, ...good, client_id: "key_admin" },
      {},
      401,
      "invalid_client",
    ],
    ["a wrong secret by Basic", GRANT, basic("key_pricing", "x"), 401, "invalid_client"],
    ["a header that is not Basic", GRANT, { authorization: "Basic !" }, 400, "invalid_request"],
    [
      "both ways at once",
      { ...GRANT, ...good },
      basic("key_pricing", KEYS.pricing),
      400,
      "invalid_request",
    ],
    [
      "a permission it has not",
      { ...GRANT, ...good, scope: "keys:manage" },
      {},
      400,
      "invalid_scope",
    ],
    [
      "a permission that is not there",
      { ...GRANT, ...good, scope: "all" },
      {},
      400,
      "invalid_scope",
    ],
    ["an empty scope", { ...GRANT, ...good, scope: " " }, {}, 400, "invalid_scope"],
    [
      "a parameter twice",
      "grant_type=client_credentials&scope=a&scope=b",
      {},
      400,
      "invalid_request",
    ],
    ["a body that is too large", { ...GRANT, x: "x".repeat(9_000) }, {}, 400, "invalid_request"],
    ["JSON", GRANT, { "content-type": "application/json" }, 400, "invalid_request"],
  ];
  it.each(refused)("refuses %s as OAuth says", async (_, form, headers, status, error) => {
    const response = await ask(form, headers);
    expect(response.status).toBe(status);
    expect(response.headers.get("cache-control")).toBe("no-store");
    const isBasic = headers.authorization !== undefined && status === 401;
    expect(response.headers.get("www-authenticate")?.startsWith("Basic") ?? false).toBe(isBasic);
    expect(oauthErrorSchema.parse(await response.json()).error).toBe(error);
    expect(await world.metric(`access_tokens_refused_total{error="${error}"}`)).toBe(1);
  });

  it("gives a public key none: everybody has it", async () => {
    const { id, key } = await make({ role: "public" });
    const response = await ask(GRANT, basic(id, key));
    expect(oauthErrorSchema.parse(await response.json()).error).toBe("unauthorized_client");
  });

  it("lets nobody guess for long, from one address", async () => {
    const from = (address: string) => ({
      "cf-connecting-ip": address,
      ...basic("key_admin", "guess"),
    });
    let last = await ask(GRANT, from("10.1.1.1"));
    for (let i = 0; i < 40 && last.status !== 429; i++) last = await ask(GRANT, from("10.1.1.1"));
    expect(last.status).toBe(429);
    expect(Number(last.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(oauthErrorSchema.parse(await last.json()).error).toBe("slow_down");
    expect((await ask(GRANT, from("10.1.1.2"))).status).toBe(401);
  });
});
