/** Managed keys and tokens at the aggregator's metrics. */
import { reset } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { beforeEach, expect, it } from "vitest";
import { hashOfKey } from "../../../contract/api-keys.ts";
import { KEYS_DOCUMENT } from "../../../contract/managed-keys.ts";
import { claimsOf, ownTokens } from "../../support/own-tokens.ts";
import { attacksOn } from "../../support/token-samples.ts";

const nowS = () => Math.floor(Date.now() / 1_000);
const MANAGED = { id: "key_0123456789ab", key: `key_0123456789ab.${"s".repeat(43)}` };
const signingKey = (env as unknown as { TEST_SIGNING_KEY: string }).TEST_SIGNING_KEY;
const tokensOf = (keyId: string, scope = "metrics:read") =>
  ownTokens(signingKey, claimsOf(keyId, scope), nowS);

beforeEach(async () => {
  await reset();
  const secrets = [{ sha256: hashOfKey(MANAGED.key), until: null }];
  const key = { id: MANAGED.id, role: "ingest", expires_at: null, secrets };
  await env.CONFIG.put(KEYS_DOCUMENT, JSON.stringify({ revision: 1, keys: [key] }));
});

function ask(credential: string): Promise<Response> {
  const headers = { authorization: `Bearer ${credential}` };
  return exports.default.fetch("https://example.test/metrics", { headers });
}

it("lets managed keys in, and tokens of keys, for what they say", async () => {
  const { token } = await tokensOf("key_ingest");
  const narrow = await tokensOf("key_ingest", "events:write");
  const managed = await tokensOf(MANAGED.id);
  expect((await ask(MANAGED.key)).status).toBe(200);
  expect((await ask(await token())).status).toBe(200);
  expect((await ask(await managed.token())).status).toBe(200);
  expect((await ask(await narrow.token())).status).toBe(403);
});

it("refuses what is forged, tampered with, meant otherwise, or of a key that is not there", async () => {
  const claims = claimsOf("key_ingest", "metrics:read");
  const provider = await ownTokens(signingKey, claims, nowS);
  const attacks = await attacksOn(provider, { claims, typ: "at+jwt", nowS: nowS() });
  const nobody = await tokensOf("key_ffffffffffff");
  attacks["a key that is not there"] = [await nobody.token(), "revoked_client"];
  for (const [name, [token]] of Object.entries(attacks)) {
    const response = await ask(token);
    await response.body?.cancel();
    expect([name, response.status]).toEqual([name, 401]);
    expect(response.headers.get("www-authenticate")).toMatch(/^Bearer error="invalid_token"/);
  }
});
