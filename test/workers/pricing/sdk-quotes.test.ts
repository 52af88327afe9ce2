/** The SDK's check of quotes where Workers run it. */
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { QUOTE_ISSUER, QUOTE_TYPE } from "../../../contract/quotes.ts";
import { parseSigningKeys } from "../../../contract/signing-jwk.ts";
import { signingKeysFrom } from "../../../contract/signing-keys.ts";
import { epochMs } from "../../../domain/units.ts";
import { verifyQuote } from "../../../sdk/src/verify-quote.ts";

it("verifyQuote() checks quotes of each algorithm in workerd", async () => {
  for (const key of parseSigningKeys(env.SIGNING_KEYS)) {
    const keys = await signingKeysFrom(JSON.stringify({ keys: [key] }));
    const now = Date.now();
    const iat = Math.floor(now / 1_000);
    const claims = { iss: QUOTE_ISSUER, iat, exp: iat + 120, price_minor: 1575 };
    const quote = await keys.sign(claims, { typ: QUOTE_TYPE });
    const jwks = keys.publicJwks(epochMs(now));
    expect(await verifyQuote(quote, jwks)).toEqual({ valid: true, claims });
    const [head, body, signature = ""] = quote.split(".");
    const changed = `${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`;
    expect(await verifyQuote(`${head}.${body}.${changed}`, jwks)).toMatchObject({
      reason: "bad_signature",
    });
  }
});
