/** Asks an edge demand pricing service for prices and quotes, from browsers, Node and Workers. */
import { type AskOptions, askService, type Service } from "./ask-service.ts";
import type { BackoffRules } from "./backoff.ts";
import { hostPlatform, type Platform } from "./platform.ts";
import type {
  Explanation,
  PriceAnswer,
  PriceRequest,
  Problem,
  QuoteAnswer,
  RedeemedAnswer,
  RedeemRequest,
} from "./price-types.ts";
import { type PublicKeys, type QuoteVerdict, verifyQuote } from "./verify-quote.ts";

export { PriceError } from "./ask-service.ts";
export type * from "./price-types.ts";
export * from "./verify-quote.ts";

export interface PriceClientOptions {
  /** Where the service is: `https://prices.example.com`. */
  baseUrl: string;
  /** An API key or a JWT, or what gives one; asked before each request. */
  key: string | (() => string | Promise<string>);
  /** One try is given up after this; 2 s by default. */
  tryTimeoutMs?: number | undefined;
  /** A call, tries and waits together, ends after this; 10 s by default. */
  timeoutMs?: number | undefined;
  /** Tries after the first; 3 by default. */
  retries?: number | undefined;
  /** The longest waits between tries: 100 ms after the first failure, doubling to 2 s by default. */
  backoff?: Partial<BackoffRules> | undefined;
}

export interface CallOptions {
  /** Ends the call early. */
  signal?: AbortSignal | undefined;
}

/** Every call rejects with a `PriceError` when the service refuses it, or does not answer in time. */
export interface PriceClient {
  compute(request: PriceRequest, options?: CallOptions): Promise<PriceAnswer>;
  /** Up to 200 prices, each its answer or its problem, in the order asked. */
  batch(
    requests: readonly PriceRequest[],
    options?: CallOptions,
  ): Promise<(PriceAnswer | Problem)[]>;
  /** A price that is held for two minutes, signed. */
  quote(request: PriceRequest, options?: CallOptions): Promise<QuoteAnswer>;
  /** Takes a quote's price, once. Tried again under the same idempotency key, so never taken twice. */
  redeem(request: RedeemRequest, options?: CallOptions): Promise<RedeemedAnswer>;
  explain(requestId: string, options?: CallOptions): Promise<Explanation>;
  /** Whether a quote is valid, by public keys that are read once in five minutes, and when a quote names one that is new. */
  verify(quote: string, options?: CallOptions): Promise<QuoteVerdict>;
}

const KEYS_KEPT_MS = 300_000;
/** A stranger's quote with a made-up key has the keys read again no oftener than this. */
const KEYS_READ_AGAIN_MS = 10_000;

/** Throws a RangeError on options that cannot be. */
export function createPriceClient(options: PriceClientOptions): PriceClient {
  return priceClientOn(hostPlatform(), options);
}

/** The client on a platform that may be a test's. */
export function priceClientOn(platform: Platform, options: PriceClientOptions): PriceClient {
  const service = serviceFrom(platform, options);
  const post = <Answer>(path: string, body: unknown, { signal }: AskOptions = {}) =>
    askService<Answer>(service, path, { body, signal });
  let known: { keys: PublicKeys; readAt: number } | null = null;

  async function publicKeys(maxAgeMs: number, signal?: AbortSignal): Promise<PublicKeys> {
    const now = platform.now();
    if (known && now - known.readAt < maxAgeMs) return known.keys;
    const keys = await askService<PublicKeys>(service, "/.well-known/jwks.json", {
      signal,
      isOpen: true,
    });
    known = { keys, readAt: now };
    return keys;
  }

  return {
    compute: (request, call) => post("/api/v1/pricing/compute", request, call),
    async batch(requests, call) {
      const body = { items: requests };
      type Items = { items: (PriceAnswer | Problem)[] };
      return (await post<Items>("/api/v1/pricing/batch", body, call)).items;
    },
    quote: (request, call) => post("/api/v1/quotes", request, call),
    redeem: (request, call) => post("/api/v1/quotes/redeem", request, call),
    explain: (requestId, { signal } = {}) =>
      askService(service, `/api/v1/pricing/explain?request_id=${encodeURIComponent(requestId)}`, {
        signal,
      }),
    async verify(quote, { signal } = {}) {
      const now = platform.now();
      const verdict = await verifyQuote(quote, await publicKeys(KEYS_KEPT_MS, signal), { now });
      if (verdict.valid || verdict.reason !== "unknown_key") return verdict;
      return verifyQuote(quote, await publicKeys(KEYS_READ_AGAIN_MS, signal), { now });
    },
  };
}

function serviceFrom(platform: Platform, options: PriceClientOptions): Service {
  const number = (name: "tryTimeoutMs" | "timeoutMs" | "retries", fallback: number): number => {
    const value: unknown = options[name] ?? fallback;
    if (typeof value === "number" && value >= 0) return value;
    throw new RangeError(`${name} must be a number of at least 0, not ${String(value)}`);
  };
  return {
    platform,
    baseUrl: options.baseUrl.replace(/\/+$/, ""),
    key: options.key,
    tryTimeoutMs: number("tryTimeoutMs", 2_000),
    timeoutMs: number("timeoutMs", 10_000),
    retries: number("retries", 3),
    backoff: { baseMs: 100, capMs: 2_000, ...options.backoff },
  };
}
