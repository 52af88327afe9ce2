import { beforeAll, describe, expect, expectTypeOf, test } from "vitest";
import {
  QUOTE_GRACE_MS,
  QUOTE_ISSUER,
  QUOTE_TYPE,
  type QuoteClaims,
} from "../../../contract/quotes.ts";
import { type SigningKeys, signingKeysFrom } from "../../../contract/signing-keys.ts";
import { epochMs, SECOND_MS } from "../../../domain/units.ts";
import { makeSigningKey } from "../../../local/make-signing-key.ts";
import {
  type PublicKeys,
  type QuoteClaims as SdkClaims,
  verifyQuote,
} from "../../../sdk/src/verify-quote.ts";

const NOW = epochMs(1_800_000_000_000);
const AT_S = NOW / SECOND_MS;
const CLAIMS = {
  iss: QUOTE_ISSUER,
  jti: "quo_00112233445566778899aabb",
  iat: AT_S,
  exp: AT_S + 120,
  region_id: "nyc-161",
  product_type: "standard_ride",
  price_minor: 1575,
  currency: "USD",
  currency_exponent: 2,
  quantity: 1,
  user_hash: null,
  request_id: "req_x",
  rules_version: "rul_x",
  model_version: null,
};

test("the claims are the contract's", () => {
  expectTypeOf<QuoteClaims>().toExtend<SdkClaims>();
});

describe.each(["EdDSA", "ES256"] as const)("verifyQuote() with %s", (alg) => {
  let keys: SigningKeys;
  let jwks: PublicKeys;
  beforeAll(async () => {
    const made = [await makeSigningKey(alg), await makeSigningKey("EdDSA")];
    keys = await signingKeysFrom(JSON.stringify({ keys: made }));
    jwks = keys.publicJwks(NOW) as PublicKeys;
  });

  const sign = (changed: object = {}, typ: string = QUOTE_TYPE) =>
    keys.sign({ ...CLAIMS, ...changed }, { typ });
  const at = (seconds: number) => ({ now: NOW + seconds * SECOND_MS });

  test("finds a quote valid by the public keys alone", async () => {
    expect(await verifyQuote(await sign(), jwks, { now: NOW })).toEqual({
      valid: true,
      claims: CLAIMS,
    });
  });

  test("says why a quote is not valid, as the service does", async () => {
    const good = await sign();
    const [head, body, signature = ""] = good.split(".");
    const encoded = (json: object) => Buffer.from(JSON.stringify(json)).toString("base64url");
    const [header] = [JSON.parse(Buffer.from(head ?? "", "base64url").toString())];
    const other = alg === "EdDSA" ? "ES256" : "EdDSA";
    const cases: [string, string, number?][] = [
      [`${head}.${encoded({ ...CLAIMS, price_minor: 1 })}.${signature}`, "bad_signature"],
      [
        `${head}.${body}.${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`,
        "bad_signature",
      ],
      [`${encoded({ ...header, alg: "none" })}.${body}.${signature}`, "algorithm_not_allowed"],
      [`${encoded({ ...header, alg: other })}.${body}.${signature}`, "algorithm_not_allowed"],
      [`${encoded({ ...header, kid: "another" })}.${body}.${signature}`, "unknown_key"],
      [await sign({}, "at+jwt"), "wrong_type"],
      [await sign({ iss: "somebody" }), "wrong_issuer"],
      [good, "expired", 126],
      [good, "not_yet_valid", -6],
      ["", "malformed"],
      ["a.b", "malformed"],
      [`${good}.x`, "malformed"],
      [`${head}.${body}`, "malformed"],
      [`${head}.!.${signature}`, "malformed"],
      [`${head}.${Buffer.from("1").toString("base64url")}.${signature}`, "malformed"],
    ];
    for (const [quote, reason, seconds = 0] of cases) {
      const verdict = await verifyQuote(quote, jwks, at(seconds));
      expect([quote, verdict]).toEqual([
        quote,
        { valid: false, reason, claims: expect.toBeOneOf([null, CLAIMS]) },
      ]);
      const byService = await keys.verify(quote, {
        ...{ typ: QUOTE_TYPE, issuer: QUOTE_ISSUER, toleranceMs: QUOTE_GRACE_MS },
        now: epochMs(NOW + seconds * SECOND_MS),
      });
      expect("reason" in byService).toBe(true);
    }
    expect(await verifyQuote(good, jwks, at(124))).toMatchObject({ valid: true });
    expect(await verifyQuote(good, jwks, { ...at(124), toleranceMs: 0 })).toMatchObject({
      reason: "expired",
    });
  });
});
