/**
 * Token buckets in an isolate's memory, for as long as the ledger of limits does not answer.
 *
 * Each isolate then counts for itself, so what is spread over many isolates may be more than its limit: better that than to
 * refuse what would be allowed.
 */
import type { RequestLimit } from "./limit-policy.ts";
import type { LimitRefusal } from "./limit-refusal.ts";

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

/** `RateLimit` and `RateLimit-Policy` of a refusal, as draft-ietf-httpapi-ratelimit-headers has them, quota per minute. */
export function rateLimitHeaders({
  kind,
  limit,
  resetS,
}: Pick<LimitRefusal, "kind" | "limit" | "resetS">): Record<
  "ratelimit" | "ratelimit-policy",
  string
> {
  return {
    ratelimit: `"${kind}";r=0;t=${resetS}`,
    "ratelimit-policy": `"${kind}";q=${limit.requestsPerMinute};w=60`,
  };
}
