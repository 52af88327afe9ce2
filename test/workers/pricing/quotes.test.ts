import { reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { createLocalJWKSet, jwtVerify } from "jose";
import { beforeEach, describe, expect, it } from "vitest";
import { personHashesFrom } from "../../../contract/person-hashes.ts";
import { priceAnswerSchema } from "../../../contract/pricing.ts";
import { problemSchema } from "../../../contract/problem.ts";
import {
  QUOTE_ISSUER,
  QUOTE_TYPE,
  type QuoteAnswer,
  quoteAnswerSchema,
  redeemedAnswerSchema,
  verifyQuoteAnswerSchema,
} from "../../../contract/quotes.ts";
import { hashText } from "../../../contract/readable-events.ts";
import { signingKeysFrom } from "../../../contract/signing-keys.ts";
import { keyOfRequestId } from "../../../domain/decision.ts";
import { TEST_USER_HASH_KEY } from "../../support/test-keys.ts";
import { migrate } from "./migrate.ts";
import { type KeyName, World } from "./world.ts";

const QUOTES = "/api/v1/quotes";
const RIDE = { region_id: "nyc-161", product_type: "standard_ride" };

let world: World;
beforeEach(async () => {
  await reset();
  await migrate();
  world = await (await new World().publishShipped()).warmUp();
});

async function quoted(extra: object = {}): Promise<QuoteAnswer> {
  const response = await world.send("POST", QUOTES, { ...RIDE, ...extra });
  expect(response.status).toBe(200);
  return quoteAnswerSchema.parse(await response.json());
}

const verify = async (quote: string, extra: object = {}) =>
  verifyQuoteAnswerSchema.parse(
    await (await world.send("POST", `${QUOTES}/verify`, { quote, ...extra })).json(),
  );

const redeem = (quote: string, idempotency_key: string, extra: object = {}, key?: KeyName) =>
  world.send("POST", `${QUOTES}/redeem`, { quote, idempotency_key, ...extra }, key);

async function redeemed(...what: Parameters<typeof redeem>) {
  const response = await redeem(...what);
  expect([response.status, await response.clone().text()]).toEqual([200, expect.any(String)]);
  return redeemedAnswerSchema.parse(await response.json());
}

async function problemOf(response: Response) {
  const { type, status, detail, errors, redeemed_at } = problemSchema.parse(await response.json());
  expect(status).toBe(response.status);
  return { type: type.split("#")[1], status, detail, errors, redeemed_at };
}

describe("a quote", () => {
  it("is the price answer with everything signed that makes the price", async () => {
    const { quote, quote_id, ...answer } = await quoted({ user_id: "u-77", quantity: 3 });
    priceAnswerSchema.strict().parse(answer);
    const jwks = await (await world.fetch("/.well-known/jwks.json", { key: null })).json();
    const { payload, protectedHeader } = await jwtVerify(
      quote,
      createLocalJWKSet(jwks as Parameters<typeof createLocalJWKSet>[0]),
      { typ: QUOTE_TYPE, issuer: QUOTE_ISSUER, currentDate: new Date(world.wallNow()) },
    );
    const { high, low } = personHashesFrom(TEST_USER_HASH_KEY).ofPerson("u-77");
    const { iat = 0, exp = 0 } = payload;
    expect(protectedHeader.alg).toBe("EdDSA");
    expect(payload).toEqual({
      iss: QUOTE_ISSUER,
      jti: quote_id,
      iat,
      exp: iat + 120,
      ...RIDE,
      price_minor: Math.round(answer.price * 100),
      currency: "USD",
      currency_exponent: 2,
      quantity: 3,
      user_hash: hashText(high, low),
      request_id: answer.request_id,
      rules_version: answer.rules_version,
      model_version: answer.model_version,
    });
    expect(Date.parse(answer.valid_until)).toBe(exp * 1_000);
    expect(Math.abs(exp * 1_000 - world.wallNow() - 120_000)).toBeLessThan(2_000);
    expect(quote).not.toContain("u-77");
    expect(await world.metric("pricing_quotes_issued_total")).toBe(1);
  });

  it("tells the same decision as a computed price, which stays unsigned", async () => {
    const priced = await world.price();
    const { request_id } = await quoted();
    const keyOf = (id: string) => JSON.stringify(keyOfRequestId(id));
    expect(keyOf(request_id)).toBe(keyOf(priced.request_id));
    expect(priced).not.toHaveProperty("quote");
  });

  it("is refused as a price is: unknown region, product, a body that does not fit, a key that may not", async () => {
    const ask = async (body: object, key?: KeyName) =>
      (await problemOf(await world.send("POST", QUOTES, body, key))).type;
    expect(await ask({ ...RIDE, region_id: "atlantis" })).toBe("unknown_region");
    expect(await ask({ ...RIDE, product_type: "sedan_chair" })).toBe("unknown_product");
    expect(await ask({ ...RIDE, quantity: 0 })).toBe("invalid_request");
    expect(await ask({ ...RIDE, price: 1 })).toBe("invalid_request");
    expect(await ask(RIDE, "ingest")).toBe("forbidden");
  });
});

describe("verifying", () => {
  it("tells the claims of a quote, without asking anybody", async () => {
    const { quote, quote_id } = await quoted({ user_id: "u-77" });
    world.set("fails", "regions", "kv", "r2", "d1", "queue", "quotes");
    const verdict = await verify(quote, { user_id: "u-77" });
    expect(verdict).toMatchObject({
      valid: true,
      reason: null,
      claims: { jti: quote_id, ...RIDE },
    });
    expect(await world.metric("pricing_quotes_verified_total")).toBe(1);
  });

  it("says why a quote is not valid", async () => {
    const { quote } = await quoted({ user_id: "u-77" });
    const keys = await signingKeysFrom(env.SIGNING_KEYS);
    const { claims } = await verify(quote);
    const another = (changed: object, typ = QUOTE_TYPE) =>
      keys.sign({ ...claims, ...changed }, { typ });
    const [head, body, signature] = quote.split(".");
    const cheaper = btoa(JSON.stringify({ ...claims, price_minor: 1 })).replaceAll("=", "");
    const reasonOf = async (text: string, extra?: object) => (await verify(text, extra)).reason;
    expect(await reasonOf("x")).toBe("malformed");
    expect(await reasonOf(`${head}.${cheaper}.${signature}`)).toBe("bad_signature");
    expect(await reasonOf(`${head}.${body}.`)).toBe("bad_signature");
    expect(await reasonOf(await another({}, "at+jwt"))).toBe("wrong_type");
    expect(await reasonOf(await another({ iss: "somebody" }))).toBe("wrong_issuer");
    expect(await reasonOf(await another({ price_minor: "1" }))).toBe("malformed");
    expect(await reasonOf(quote, { user_id: "u-78" })).toBe("wrong_user");
    world.aheadMs = 126_000;
    expect(await verify(quote)).toMatchObject({ valid: false, reason: "expired", claims });
    expect(await world.metric('pricing_quotes_refused_total{reason="bad_signature"}')).toBe(2);
  });

  it("takes a quote for nobody in particular for everybody's", async () => {
    const { quote } = await quoted();
    expect(await verify(quote, { user_id: "u-78" })).toMatchObject({ valid: true });
  });
});

describe("redeeming", () => {
  it("takes the price once: the same key hears the same again, another key when it was", async () => {
    const { quote, quote_id, price, request_id } = await quoted({ quantity: 4 });
    const first = await redeemed(quote, "order-1", { order_reference: "o-1", quantity: 3 });
    expect(first).toMatchObject({ quote_id, request_id, price, quantity: 3, total: price * 3 });
    expect(first).toMatchObject({ ...RIDE, order_reference: "o-1" });
    const again = await redeem(quote, "order-1", { order_reference: "o-1", quantity: 3 });
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    expect(await again.json()).toEqual(first);

    const other = await problemOf(await redeem(quote, "order-2"));
    expect(other).toMatchObject({ type: "quote_redeemed", status: 409 });
    expect(other.redeemed_at).toBe(first.redeemed_at);
    expect(other.detail).toContain(first.redeemed_at);
    // An idempotency key is its client's own.
    const others = await problemOf(
      await redeem(quote, "order-1", { order_reference: "o-1", quantity: 3 }, "admin"),
    );
    expect(others.type).toBe("quote_redeemed");
    const changed = await problemOf(await redeem(quote, "order-1", { quantity: 2 }));
    expect(changed).toMatchObject({ type: "idempotency_key_reused", status: 409 });
    expect(await world.metric('pricing_quotes_redeemed_total{repeated="false"}')).toBe(1);
    expect(await world.metric('pricing_quotes_redeemed_total{repeated="true"}')).toBe(1);
    expect(await world.metric('pricing_quotes_refused_total{reason="redeemed"}')).toBe(2);
  });

  it("refuses what is no quote, over, somebody else's, or for fewer units", async () => {
    const { quote } = await quoted({ user_id: "u-77" });
    const typeOf = async (text: string, extra?: object, key?: KeyName) => {
      const { type, status } = await problemOf(await redeem(text, "k", extra, key));
      return [type, status];
    };
    expect(await typeOf(`${quote.slice(0, -6)}AAAAAA`)).toEqual(["invalid_quote", 422]);
    expect(await typeOf("x")).toEqual(["invalid_quote", 422]);
    expect(await typeOf(quote, { user_id: "u-78" })).toEqual(["wrong_user", 403]);
    expect(await typeOf(quote, { quantity: 2 })).toEqual(["invalid_request", 422]);
    expect(await typeOf(quote, {}, "ingest")).toEqual(["forbidden", 403]);
    expect(await typeOf(quote, { idempotency_key: "" })).toEqual(["invalid_request", 422]);
    world.aheadMs = 126_000;
    expect(await typeOf(quote)).toEqual(["quote_expired", 410]);
  });

  it("takes a quote within five seconds of its end, and repeats an answer for ten minutes after", async () => {
    const [kept, late] = [await quoted(), await quoted()];
    // The ledger's clock is the real one.
    const first = await redeemed(kept.quote, "k");
    world.aheadMs = 122_000;
    await redeemed(late.quote, "k");
    world.aheadMs = 120_000 + 590_000;
    expect(await redeemed(kept.quote, "k")).toEqual(first);
    expect((await problemOf(await redeem(kept.quote, "k2"))).type).toBe("quote_redeemed");
    world.aheadMs = 120_000 + 610_000;
    expect((await problemOf(await redeem(kept.quote, "k"))).type).toBe("quote_expired");
  });

  it("says 503 while the ledger does not answer, and the same key finds out afterwards", async () => {
    const { quote } = await quoted();
    world.set("fails", "quotes");
    const response = await redeem(quote, "k");
    expect(response.headers.get("retry-after")).toBe("1");
    expect((await problemOf(response)).type).toBe("unavailable");
    world.set("works", "quotes");
    await redeemed(quote, "k");
  });

  it("lets one of many keys at once redeem a quote", async () => {
    const quotes = await Promise.all(Array.from({ length: 12 }, () => quoted()));
    const attempts = quotes.flatMap(({ quote }) =>
      Array.from({ length: 8 }, async (_, i) => (await redeem(quote, `k-${i}`)).status),
    );
    const statuses = await Promise.all(attempts);
    quotes.forEach((_, q) => {
      const ofQuote = statuses.slice(q * 8, q * 8 + 8);
      expect(ofQuote.toSorted()).toEqual([200, ...Array<number>(7).fill(409)]);
    });
  });
});
