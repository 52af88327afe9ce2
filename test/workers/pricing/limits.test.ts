/** Limits of users and regions, and what browsers may do, where prices are told; on the real ledger. */
import { reset } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { POINTER, regionsKey, rulesKey } from "../../../contract/store-keys.ts";
import { SHIPPED } from "../../../workers/pricing/documents.ts";
import { bearer, TEST_KEYS } from "../../support/test-keys.ts";

beforeEach(async () => {
  await reset();
  const { rules, regions } = SHIPPED;
  await env.CONFIG.put(rulesKey(rules.version), JSON.stringify(rules.json));
  await env.CONFIG.put(POINTER.rules, rules.version);
  await env.CONFIG.put(regionsKey(regions.version), JSON.stringify(regions.document));
  await env.CONFIG.put(POINTER.regions, regions.version);
});

const BASE = "https://pricing.test";
let sequence = 0;
const someone = () => `someone-${sequence++}`;
const asked = (user_id: string) => ({
  region_id: "nyc-161",
  product_type: "standard_ride",
  user_id,
});

function post(path: string, body: object, key: string, headers: Record<string, string> = {}) {
  return exports.default.fetch(`${BASE}${path}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "cf-connecting-ip": `10.8.0.${sequence++}`,
      ...bearer(key),
      ...headers,
    },
    body: JSON.stringify(body),
  });
}
const compute = (user: string, key: string = TEST_KEYS.public, headers = {}) =>
  post("/api/v1/pricing/compute", asked(user), key, headers);

describe("a public key", () => {
  it("gives a user a burst of 100 prices, then says which limit was met and when to come again", async () => {
    const user = someone();
    const statuses: number[] = [];
    let last = new Response();
    for (let i = 0; i < 140 && last.status !== 429; i++) {
      last = await compute(user);
      statuses.push(last.status);
      if (last.status !== 429) await last.body?.cancel();
    }
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(100);
    expect(last.status).toBe(429);
    expect(Number(last.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(last.headers.get("ratelimit-policy")).toBe('"user";q=1000;w=60');
    expect(await last.json()).toMatchObject({ type: "/docs/problems#rate_limited" });
    const other = await compute(someone());
    expect(other.status).toBe(200);
    await other.body?.cancel();
  });

  it("has the prices of a batch that are over a user's limit refused one by one", async () => {
    const [busy, calm] = [someone(), someone()];
    const batch = (users: string[]) =>
      post("/api/v1/pricing/batch", { items: users.map(asked) }, TEST_KEYS.public);
    await (await batch(Array.from({ length: 90 }, () => busy))).body?.cancel();
    const users = Array.from({ length: 50 }, (_, i) => (i % 5 === 0 ? calm : busy));
    const response = await batch(users);
    expect(response.status).toBe(200);
    const { items } = await response.json<{ items: { price?: number; type?: string }[] }>();
    const refused = items.filter(({ type }) => type === "/docs/problems#rate_limited");
    const priced = items.filter(({ price }) => price !== undefined);
    expect(refused.length + priced.length).toBe(50);
    expect(priced.length).toBeGreaterThanOrEqual(20);
    expect(priced.length).toBeLessThan(35);
    for (const [i, { price }] of items.entries()) if (i % 5 === 0) expect(price).toBeDefined();
  });

  it("does not explain prices, for an explanation shows the rules", async () => {
    const response = await exports.default.fetch(
      `${BASE}/api/v1/pricing/explain?request_id=req_x`,
      { headers: bearer(TEST_KEYS.public) },
    );
    expect(response.status).toBe(403);
    await response.body?.cancel();
  });
});

it("a server's key speaks for any number of prices of a user", async () => {
  const user = someone();
  const items = Array.from({ length: 200 }, () => asked(user));
  const response = await post("/api/v1/pricing/batch", { items }, TEST_KEYS.pricing);
  const answer = await response.json<{ items: { price?: number }[] }>();
  expect(answer.items.every(({ price }) => price !== undefined)).toBe(true);
});

describe("browsers", () => {
  const origin = "https://shop.example.test";
  const preflight = (path: string) =>
    exports.default.fetch(`${BASE}${path}`, {
      method: "OPTIONS",
      headers: { origin, "access-control-request-method": "POST" },
    });

  it("may ask for prices and post events from any page, and for nothing else", async () => {
    for (const path of ["/api/v1/pricing/compute", "/api/v1/pricing/batch", "/api/v1/events"]) {
      const response = await preflight(path);
      expect(response.status).toBe(204);
      expect(response.headers.get("access-control-allow-methods")).toBe("POST");
    }
    for (const path of ["/admin/v1/rules", "/metrics", "/api/v1/pricing/explain"]) {
      const response = await preflight(path);
      expect(response.headers.get("access-control-allow-origin")).toBeNull();
      await response.body?.cancel();
    }
  });

  it("read prices with a public key, and nothing with a server's", async () => {
    const own = await compute(someone(), TEST_KEYS.public, { origin });
    expect(own.headers.get("access-control-allow-origin")).toBe("*");
    expect(own.headers.get("access-control-expose-headers")).toContain("retry-after");
    const servers = await compute(someone(), TEST_KEYS.pricing, { origin });
    expect(servers.status).toBe(200);
    expect(servers.headers.get("access-control-allow-origin")).toBeNull();
    await Promise.all([own.body?.cancel(), servers.body?.cancel()]);
  });
});
