import { beforeEach, describe, expect, expectTypeOf, test } from "vitest";
import type { ExplainAnswer } from "../../../contract/explain.ts";
import type * as contract from "../../../contract/pricing.ts";
import type { QuoteAnswer, RedeemedAnswer, RedeemQuoteRequest } from "../../../contract/quotes.ts";
import { QUOTE_ISSUER, QUOTE_TYPE } from "../../../contract/quotes.ts";
import { signingKeysFrom } from "../../../contract/signing-keys.ts";
import { makeSigningKey } from "../../../local/make-signing-key.ts";
import { type PriceClient, PriceError, priceClientOn } from "../../../sdk/src/price-client.ts";
import type * as sdk from "../../../sdk/src/price-types.ts";
import { FakePlatform, problem, START_AT } from "./fake-platform.ts";

const RIDE = { region_id: "nyc-161", product_type: "standard_ride" };

let platform: FakePlatform;
let client: PriceClient;
let answers: (() => Response | Promise<Response>)[];
beforeEach(() => {
  answers = [];
  platform = new FakePlatform(() => {
    const next = answers.length > 1 ? answers.shift() : answers[0];
    if (!next) throw new Error("nothing is left to be answered");
    return next();
  });
  client = priceClientOn(platform, { baseUrl: "https://prices.test/", key: () => "secret" });
});

/** What a call comes to while time passes. */
async function outcomeOf<Value>(call: Promise<Value>): Promise<Value | PriceError> {
  let result: Value | PriceError | undefined;
  call.then(
    (value) => {
      result = value;
    },
    (error: PriceError) => {
      result = error;
    },
  );
  for (let i = 0; i < 400 && result === undefined; i++) await platform.pass(50);
  if (result === undefined) throw new Error("the call does not end");
  return result;
}

const ok = (json: object) => () => Response.json(json);

test("its types are the contract's", () => {
  expectTypeOf<contract.PriceAnswer>().toExtend<sdk.PriceAnswer>();
  expectTypeOf<QuoteAnswer>().toExtend<sdk.QuoteAnswer>();
  expectTypeOf<RedeemedAnswer>().toExtend<sdk.RedeemedAnswer>();
  expectTypeOf<ExplainAnswer>().toExtend<sdk.Explanation>();
  expectTypeOf<keyof RedeemQuoteRequest>().toEqualTypeOf<keyof sdk.RedeemRequest>();
  expectTypeOf<keyof contract.ComputeRequest>().toEqualTypeOf<keyof sdk.PriceRequest>();
});

describe("a price client", () => {
  test("asks each route with the key, and answers what the service says", async () => {
    answers = [ok({ price: 15.75, items: [{ price: 1 }] })];
    const redeem = { quote: "q", idempotency_key: "k" };
    expect(await client.compute(RIDE)).toMatchObject({ price: 15.75 });
    expect(await client.batch([RIDE, RIDE])).toEqual([{ price: 1 }]);
    await client.quote(RIDE);
    await client.redeem(redeem);
    await client.explain("req_a b");
    expect(platform.requests.map(({ url, init, body }) => [init.method, url, body])).toEqual([
      ["POST", "https://prices.test/api/v1/pricing/compute", JSON.stringify(RIDE)],
      ["POST", "https://prices.test/api/v1/pricing/batch", JSON.stringify({ items: [RIDE, RIDE] })],
      ["POST", "https://prices.test/api/v1/quotes", JSON.stringify(RIDE)],
      ["POST", "https://prices.test/api/v1/quotes/redeem", JSON.stringify(redeem)],
      ["GET", "https://prices.test/api/v1/pricing/explain?request_id=req_a%20b", "undefined"],
    ]);
    for (const { init } of platform.requests) {
      expect(init.headers).toMatchObject({ authorization: "Bearer secret" });
      expect(init.redirect).toBe("manual");
    }
    expect(platform.timerCount).toBe(0);
  });

  test("does not try again what the service refuses, and hands its problem on", async () => {
    answers = [() => problem(409, "quote_redeemed")];
    const error = await outcomeOf(client.redeem({ quote: "q", idempotency_key: "k" }));
    expect(error).toBeInstanceOf(PriceError);
    expect(error).toMatchObject({ type: "quote_redeemed", status: 409, problem: { status: 409 } });
    expect(platform.requests).toHaveLength(1);
  });

  test("tries again what may pass, the same bytes after longer and longer waits", async () => {
    const broken = () => {
      throw new TypeError("fetch failed");
    };
    answers = [
      broken,
      () => problem(503, "unavailable"),
      () => new Response("<html>", { status: 502 }),
      ok({ price: 2 }),
    ];
    expect(await outcomeOf(client.redeem({ quote: "q", idempotency_key: "k" }))).toEqual({
      price: 2,
    });
    expect(new Set(platform.requests.map(({ body }) => body)).size).toBe(1);
    // Half of 100, 200 and 400 ms: chance is in the middle here.
    expect(platform.requests.map(({ at }) => at - START_AT)).toEqual([0, 50, 150, 350]);
  });

  test("waits as long as the service says, and gives up when the time would be over before", async () => {
    answers = [
      () => problem(429, "rate_limited", { headers: { "retry-after": "3" } }),
      () => problem(429, "rate_limited", { headers: { "retry-after": "60" } }),
    ];
    const error = await outcomeOf(client.compute(RIDE));
    expect(error).toMatchObject({ type: "rate_limited", status: 429 });
    expect(platform.requests.map(({ at }) => at - START_AT)).toEqual([0, 3_050]);
  });

  test("gives one try two seconds and a call ten, whatever hangs", async () => {
    answers = [() => new Promise<Response>(() => undefined)];
    const error = await outcomeOf(client.compute(RIDE));
    expect(error).toMatchObject({
      type: "unanswered",
      status: 0,
      message: "no answer within 2000 ms",
    });
    expect(platform.requests).toHaveLength(4);
    const short = priceClientOn(platform, {
      baseUrl: "https://prices.test",
      key: "k",
      timeoutMs: 3_000,
    });
    const startedAt = platform.now();
    expect(await outcomeOf(short.compute(RIDE))).toMatchObject({ type: "unanswered" });
    expect(platform.now() - startedAt).toBeLessThanOrEqual(3_050);
    expect(platform.timerCount).toBe(0);
  });

  test("ends when its caller says so", async () => {
    answers = [() => problem(503, "unavailable", { headers: { "retry-after": "5" } })];
    const abort = new AbortController();
    const call = client.compute(RIDE, { signal: abort.signal });
    const ended = outcomeOf(call);
    abort.abort();
    expect(await ended).toMatchObject({ status: expect.any(Number) });
    expect(platform.requests.length).toBeLessThanOrEqual(2);
    expect(platform.timerCount).toBe(0);
  });

  test("refuses options that cannot be", () => {
    const make = (retries: number) => () =>
      priceClientOn(platform, { baseUrl: "https://prices.test", key: "k", retries });
    expect(make(Number.NaN)).toThrow(RangeError);
    expect(make(-1)).toThrow("retries must be a number");
  });

  test("verifies quotes by keys it reads once in five minutes, and again for a key that is new", async () => {
    const made = [await makeSigningKey("EdDSA"), await makeSigningKey("ES256")];
    const [old, next] = await Promise.all(
      made.map((key) => signingKeysFrom(JSON.stringify({ keys: [key] }))),
    );
    const atS = START_AT / 1_000;
    const claims = { iss: QUOTE_ISSUER, iat: atS, exp: atS + 120, price_minor: 1575 };
    const sign = (keys = old) => keys?.sign(claims, { typ: QUOTE_TYPE }) ?? "";
    answers = [ok(old?.publicJwks(0 as never) ?? {}), ok(next?.publicJwks(0 as never) ?? {})];
    expect(await client.verify(await sign())).toMatchObject({ valid: true, claims });
    expect(await client.verify(await sign())).toMatchObject({ valid: true });
    expect(platform.requests).toHaveLength(1);
    expect(platform.requests[0]?.init.headers).toEqual({});
    // Not at once: anybody can make up a key.
    expect(await client.verify(await sign(next))).toMatchObject({ reason: "unknown_key" });
    await platform.pass(10_000);
    expect(await client.verify(await sign(next))).toMatchObject({ valid: true });
    expect(platform.requests).toHaveLength(2);
  });
});
