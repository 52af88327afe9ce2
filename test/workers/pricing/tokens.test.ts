/** Tokens of this service and of identity providers at the door, and all that is refused there. */
import { env } from "cloudflare:workers";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { problemSchema } from "../../../contract/problem.ts";
import { claimsOf, ownTokens } from "../../support/own-tokens.ts";
import { attacksOn, type Provider, testProvider } from "../../support/token-samples.ts";
import { migrate } from "./migrate.ts";
import { KEYS, SCOPE, World } from "./world.ts";

const COMPUTE = "/api/v1/pricing/compute";
const ISSUER = "https://login.test/";
const AUDIENCE = "https://prices.test";
const JWKS_URI = "https://login.test/jwks.json";
const nowS = () => Math.floor(Date.now() / 1_000);
const CLAIMS = { iss: ISSUER, aud: AUDIENCE, sub: "ann", groups: ["pricing-team"], regions: ["*"] };

const CONFIGURATION = {
  ...{ name: "login", issuer: ISSUER, audience: AUDIENCE, jwks_uri: JWKS_URI },
  algorithms: ["ES256"],
  roles: { claim: "groups", map: { "pricing-team": "pricing", bosses: "admin" } },
  regions: { claim: "regions" },
};

let provider: Provider;
let own: Provider;
let world: World;
let fetches: number;

beforeAll(async () => {
  await migrate();
  provider = await testProvider({ claims: CLAIMS, typ: "at+jwt", kid: "login-1", nowS });
  const [, es256] = JSON.parse(env.SIGNING_KEYS).keys;
  const claims = claimsOf("key_pricing", "prices:read");
  own = await ownTokens(JSON.stringify(es256), claims, nowS);
});

beforeEach(async () => {
  world = await new World().publishShipped();
  fetches = 0;
  world.jwks = () => {
    fetches++;
    return Response.json({ keys: [{ kty: "oct", k: "c2VjcmV0" }, provider.publicJwk] });
  };
  world.issuers = [CONFIGURATION];
  await world.coldIsolate().warmUp();
});

const withToken = (token: string, path = COMPUTE, init: RequestInit = {}) =>
  world.fetch(path, {
    method: "POST",
    body: JSON.stringify({ region_id: "nyc-234", product_type: "standard_ride" }),
    ...init,
    key: null,
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
  });
const read = (token: string, path: string) =>
  withToken(token, path, { method: "GET", body: undefined as never });

async function refusalOf(response: Response) {
  const problem = problemSchema.parse(await response.json());
  return { status: response.status, type: problem.type.split("#")[1], detail: problem.detail };
}

describe.each(["a provider", "this service"] as const)("a token of %s", (whose) => {
  const of = () => (whose === "a provider" ? provider : own);
  const claims = () => (whose === "a provider" ? CLAIMS : claimsOf("key_pricing", "prices:read"));

  it("lets in whom it says, for what it says", async () => {
    expect((await withToken(await of().token())).status).toBe(200);
    const refused = await read(await of().token(), "/admin/v1/keys");
    expect(refused.headers.get("www-authenticate")).toBe(
      'Bearer error="insufficient_scope", scope="keys:manage"',
    );
    expect(await refusalOf(refused)).toMatchObject({ status: 403, type: "forbidden" });
  });

  it("is refused when it is forged, tampered with, or meant otherwise; each told, logged and counted", async () => {
    const attacks = await attacksOn(of(), { claims: claims(), typ: "at+jwt", nowS: nowS() });
    const details = new Map<string, string>();
    const counts = new Map<string, number>();
    for (const [name, [token, reason]] of Object.entries(attacks)) {
      const response = await withToken(token);
      expect([name, response.headers.get("www-authenticate")]).toEqual([
        name,
        expect.stringMatching(/^Bearer error="invalid_token", error_description="[^"]+"$/),
      ]);
      const refusal = await refusalOf(response);
      expect([name, refusal.status, refusal.type]).toEqual([name, 401, "unauthenticated"]);
      counts.set(reason, (counts.get(reason) ?? 0) + 1);
      const line = world.logs.findLast(({ message }) => message === "access denied");
      expect([name, line?.reason, line?.level]).toEqual([name, reason, "warn"]);
      details.set(reason, refusal.detail ?? "");
    }
    // Every reason has its own sentence.
    expect(new Set(details.values()).size).toBe(details.size);
    for (const [reason, count] of counts) {
      expect([reason, await world.metric(`access_denied_total{reason="${reason}"}`)]).toEqual([
        reason,
        count,
      ]);
    }
    for (const [token] of Object.values(attacks)) {
      expect(JSON.stringify(world.logs)).not.toContain(token.split(".")[1]);
    }
  });

  it("is remembered until it ends, and not longer", async () => {
    const token = await of().token();
    expect((await withToken(token)).status).toBe(200);
    world.aheadMs += 299_000;
    expect((await withToken(token)).status).toBe(200);
    world.aheadMs += 10_000;
    expect(await refusalOf(await withToken(token))).toMatchObject({
      status: 401,
      detail: expect.stringContaining("past its time"),
    });
  });
});

describe("what a provider says", () => {
  it("of groups counts as the configuration maps it, and no word means more than that", async () => {
    const admin = await provider.token({ claims: { groups: ["admin"] } });
    expect((await withToken(admin)).status).toBe(403);
    const boss = await provider.token({ claims: { groups: "guests bosses" } });
    expect((await read(boss, "/admin/v1/rules")).status).toBe(200);
  });

  it("of regions is the scope; who is for none may name none", async () => {
    const some = await provider.token({ claims: { regions: [SCOPE] } });
    const outside = await withToken(some);
    expect(await refusalOf(outside)).toMatchObject({ status: 403, type: "forbidden_region" });
    expect(world.logs.at(-1)).toMatchObject({
      message: "access denied",
      reason: "forbidden_region",
      who: "jwt_login:ann",
    });
    expect(await world.metric('access_denied_total{reason="forbidden_region"}')).toBe(1);
    expect((await read(some, `/api/v1/regions/${SCOPE}/demand`)).status).toBe(200);
    const none = await provider.token({ claims: { regions: undefined } });
    expect((await read(none, `/api/v1/regions/${SCOPE}/demand`)).status).toBe(403);
  });

  it("is who the audit names", async () => {
    const boss = await provider.token({ claims: { groups: ["bosses"] } });
    const made = await withToken(boss, "/admin/v1/keys", {
      body: JSON.stringify({ name: "from afar", role: "viewer" }),
    });
    expect(await made.json()).toMatchObject({ created_by: "jwt_login:ann" });
  });
});

describe("the keys of a provider", () => {
  it("are fetched once for many tokens, and again when they are old, beside the request", async () => {
    for (let i = 0; i < 5; i++) {
      const token = await provider.token({ claims: { sub: `user-${i}` } });
      expect((await withToken(token)).status).toBe(200);
    }
    expect(fetches).toBe(1);
    world.aheadMs += 11 * 60_000;
    world.set("fails", "issuers");
    const iat = nowS() + 11 * 60;
    const token = await provider.token({ claims: { iat, exp: iat + 60 } });
    expect((await withToken(token)).status).toBe(200);
    await world.settle();
    expect(await world.metric('access_issuer_keys_unread_total{issuer="login"}')).toBe(1);
  });

  it("are looked at again for a key that is not there, but not for every token that names one", async () => {
    expect((await withToken(await provider.token())).status).toBe(200);
    world.aheadMs += 31_000;
    for (let i = 0; i < 5; i++) {
      const token = await provider.token({ header: { kid: `made-up-${i}` } });
      expect((await withToken(token)).status).toBe(401);
    }
    expect(fetches).toBe(2);
  });

  it("make tokens a matter of coming again while they cannot be had, and no key waits for them", async () => {
    world.set("fails", "issuers");
    for (let i = 0; i < 4; i++) {
      const response = await withToken(await provider.token({ claims: { sub: `user-${i}` } }));
      expect(response.headers.get("retry-after")).toBe("2");
      expect(await refusalOf(response)).toMatchObject({ status: 503, type: "unavailable" });
    }
    // The breaker is open after two.
    expect(await world.metric('access_issuer_keys_unread_total{issuer="login"}')).toBe(2);
    expect((await withToken(KEYS.pricing)).status).toBe(200);
    world.set("works", "issuers").aheadMs += 31_000;
    expect((await withToken(await provider.token())).status).toBe(200);
  });

  it("are not taken from an answer that is too large, a redirect, or no set", async () => {
    const answers = [
      () => new Response(`{"keys":[],"x":"${"x".repeat(300_000)}"}`),
      () => Response.redirect("https://elsewhere.test/", 302),
      () => Response.json({ keys: [{ kty: "oct", k: "c2VjcmV0" }] }),
      () => new Response("<html>"),
    ];
    for (const answer of answers) {
      world.jwks = answer;
      world.coldIsolate();
      const response = await withToken(await provider.token());
      expect(response.status).toBe(503);
    }
  });
});
