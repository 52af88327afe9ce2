/**
 * How many requests a key may still make: a token bucket per key, in the isolate's memory.
 *
 * Each isolate counts for itself, so a key spread over many isolates may ask for more than its limit. That is the price of
 * a check that costs no call; the limit protects the service, it does not bill.
 */
import type { RequestLimit } from "./access.ts";

export interface Allowance {
  allowed: boolean;
  /** Whole requests left at once. */
  remaining: number;
  /** Seconds until the bucket is full again. */
  resetS: number;
  /** Seconds until the next request is allowed; 0 when one is now. */
  retryAfterS: number;
}

/** Takes `cost` tokens of `key`'s bucket. `wallNow` in milliseconds; a clock that steps back refills nothing. */
export type TakeTokens = (
  key: string,
  limit: RequestLimit,
  wallNow: number,
  cost?: number,
) => Allowance;

interface Bucket {
  tokens: number;
  filledAt: number;
}

/** Buckets kept at most; a bucket that is dropped starts full again. */
const MAX_BUCKETS = 10_000;

/** A set of buckets, all full at first. A request that is refused takes nothing. */
export function createRateLimiter(): TakeTokens {
  const buckets = new Map<string, Bucket>();
  return (key, { requestsPerMinute, burst }, wallNow, cost = 1) => {
    const perMs = requestsPerMinute / 60_000;
    let bucket = buckets.get(key);
    if (!bucket) {
      if (buckets.size >= MAX_BUCKETS) buckets.clear();
      bucket = { tokens: burst, filledAt: wallNow };
      buckets.set(key, bucket);
    }
    const elapsedMs = Math.max(0, wallNow - bucket.filledAt);
    bucket.tokens = Math.min(burst, bucket.tokens + elapsedMs * perMs);
    bucket.filledAt = wallNow;
    const allowed = bucket.tokens >= cost;
    if (allowed) bucket.tokens -= cost;
    return {
      allowed,
      remaining: Math.floor(bucket.tokens),
      resetS: Math.ceil((burst - bucket.tokens) / perMs / 1_000),
      retryAfterS: allowed ? 0 : Math.max(1, Math.ceil((cost - bucket.tokens) / perMs / 1_000)),
    };
  };
}

/** `RateLimit` and `RateLimit-Policy` as draft-ietf-httpapi-ratelimit-headers has them, quota per minute. */
export function rateLimitHeaders(
  limit: RequestLimit,
  { remaining, resetS }: Allowance,
): Record<"ratelimit" | "ratelimit-policy", string> {
  return {
    ratelimit: `"key";r=${remaining};t=${resetS}`,
    "ratelimit-policy": `"key";q=${limit.requestsPerMinute};w=60`,
  };
}
