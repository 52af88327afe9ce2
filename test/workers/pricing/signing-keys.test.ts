import { env, exports } from "cloudflare:workers";
import { createLocalJWKSet, jwtVerify } from "jose";
import { beforeEach, expect, it } from "vitest";
import { jwksAnswerSchema } from "../../../contract/signing-jwk.ts";
import { signingKeysFrom } from "../../../contract/signing-keys.ts";
import { World } from "./world.ts";

const PATH = "/.well-known/jwks.json";

let world: World;
beforeEach(() => {
  world = new World();
});

it("GET /.well-known/jwks.json is open to everybody, pages included, and may be kept", async () => {
  const response = await world.fetch(PATH, { key: null });
  expect(response.status).toBe(200);
  expect(response.headers.get("cache-control")).toBe("public, max-age=300");
  expect(response.headers.get("access-control-allow-origin")).toBe("*");
  const { keys } = jwksAnswerSchema.strict().parse(await response.json());
  expect(keys.map(({ alg }) => alg)).toEqual(["EdDSA", "ES256"]);
});

it("shows keys that check what the secret signs, and nothing of the secret", async () => {
  const response = await exports.default.fetch(`https://example.test${PATH}`);
  const text = await response.text();
  for (const { d } of JSON.parse(env.SIGNING_KEYS).keys) expect(text).not.toContain(d);
  const signed = await (await signingKeysFrom(env.SIGNING_KEYS)).sign({ sub: "u" }, { typ: "x" });
  const { payload } = await jwtVerify(signed, createLocalJWKSet(JSON.parse(text)));
  expect(payload).toEqual({ sub: "u" });
});
