/**
 * How much a key may ask for: token buckets per key, per user, per address and per region, each `requests_per_minute` in the long
 * run and `burst` at once.
 *
 * A key that ships in browsers and apps is in anybody's hands, so its users and their addresses are limited unless its policy
 * says otherwise; a key of a server is trusted to speak for many.
 */
import * as z from "zod";

/** `global` is the ceiling of the whole service; the others are policies of a key. */
export const POLICY_KINDS = ["key", "user", "ip", "region", "global"] as const;
export type PolicyKind = (typeof POLICY_KINDS)[number];

export interface RequestLimit {
  requestsPerMinute: number;
  /** Whole tokens that a full bucket holds. */
  burst: number;
}

/** The policies of one key; null is no limit. */
export type KeyLimits = Readonly<Record<Exclude<PolicyKind, "global">, RequestLimit | null>>;

const positive = z.number().int().positive();

export const requestLimitSchema = z.strictObject({
  requests_per_minute: positive.max(1_000_000_000),
  burst: positive.max(100_000_000).optional(),
});

/** Null takes a default away. */
const policySchema = requestLimitSchema.nullable().optional();

export const keyLimitsSchema = z.strictObject({
  per_key: policySchema,
  per_user: policySchema,
  per_ip: policySchema,
  per_region: policySchema,
});

/** What a key says about its limits. */
export interface LimitsOfKey {
  /** No limits but those it sets. */
  isTrusted: boolean;
  isPublic: boolean;
  /** Null for no limit; older than `limits`, and the same as its `per_key`. */
  requestsPerMinute: number | null | undefined;
  limits: z.infer<typeof keyLimitsSchema> | undefined;
}

const DEFAULT_BURST = 100;
const DEFAULT_PER_KEY = 1_000_000;
const PUBLIC_PER_USER = 1_000;
const PUBLIC_PER_IP = 5_000;

/** A limit; without a burst of its own it has 100, or what comes in a second where that is more. */
export function requestLimit(
  requestsPerMinute: number,
  burst = Math.max(DEFAULT_BURST, Math.ceil(requestsPerMinute / 60)),
): RequestLimit {
  return { requestsPerMinute, burst };
}

/** The policies of a key, defaults filled in. */
export function keyLimitsFrom({
  isTrusted,
  isPublic,
  requestsPerMinute,
  limits = {},
}: LimitsOfKey): KeyLimits {
  const perKey =
    requestsPerMinute === undefined && !isTrusted ? DEFAULT_PER_KEY : requestsPerMinute;
  return {
    key: limitFrom(limits.per_key, perKey ?? null),
    user: limitFrom(limits.per_user, isPublic ? PUBLIC_PER_USER : null),
    ip: limitFrom(limits.per_ip, isPublic ? PUBLIC_PER_IP : null),
    region: limitFrom(limits.per_region, null),
  };
}

function limitFrom(
  policy: z.infer<typeof policySchema>,
  defaultPerMinute: number | null,
): RequestLimit | null {
  if (policy) return requestLimit(policy.requests_per_minute, policy.burst);
  if (policy === null || defaultPerMinute === null) return null;
  return requestLimit(defaultPerMinute);
}

/**
 * The ceiling of the service from its variable, a rate per second; 0 is no ceiling. Throws on what is no rate: a deployment
 * whose ceiling cannot be read must not start.
 */
export function globalLimitFrom(requestsPerS: string): RequestLimit | null {
  const rate = Number(requestsPerS);
  if (!Number.isSafeInteger(rate) || rate < 0 || requestsPerS.trim() === "") {
    throw new RangeError(`GLOBAL_REQUESTS_PER_S is "${requestsPerS}", not a whole number`);
  }
  return rate === 0 ? null : requestLimit(rate * 60);
}
