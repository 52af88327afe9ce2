/**
 * Who is asking, and what they may do.
 *
 * Keys arrive as a secret (API_KEYS): id, role and SHA-256 only, so neither code, configuration nor memory dumps of the
 * configuration give a usable key away.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import * as z from "zod";

/** What each role may do. A permission is checked once, where the route is declared. */
export const ROLE_PERMISSIONS = {
  admin: ["events:write", "prices:read", "demand:read", "metrics:read", "prices:fresh", "admin"],
  pricing: ["prices:read", "demand:read", "metrics:read"],
  ingest: ["events:write", "metrics:read"],
} as const;

export type Role = keyof typeof ROLE_PERMISSIONS;
export type Permission = (typeof ROLE_PERMISSIONS)[Role][number];

/** How much a key may ask for; null is no limit. */
export interface RequestLimit {
  requestsPerMinute: number;
  burst: number;
}

export const apiKeySchema = z.strictObject({
  id: z.string().regex(/^key_[a-z0-9]{4,32}$/),
  role: z.enum(["admin", "pricing", "ingest"]),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** Null for no limit; the default is the role's. */
  requests_per_minute: z.number().int().positive().nullable().optional(),
});
export type ApiKey = z.infer<typeof apiKeySchema>;

export interface Principal {
  keyId: string;
  role: Role;
  permissions: ReadonlySet<Permission>;
  limit: RequestLimit | null;
}

/** Requests a minute of a key that sets no other limit. */
const DEFAULT_REQUESTS_PER_MINUTE = 1_000_000;
const BEARER = /^Bearer +(\S+)$/i;
/** Verified tokens remembered, so that a request is hashed once per isolate and token. */
const MAX_REMEMBERED = 10_000;

export type Authenticate = (authorization: string | null | undefined) => Principal | null;

/** Reads the API_KEYS secret. Throws on a secret that is not what it should be: a deployment without keys must not start. */
export function parseApiKeys(secret: string): ApiKey[] {
  return z.array(apiKeySchema).min(1).parse(JSON.parse(secret));
}

/** SHA-256 of a key in hex, as API_KEYS holds it. */
export function hashOfKey(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}

/** Makes the check of the Authorization header: a Principal, or null when the key is missing or not known. */
export function authenticatorFrom(keys: readonly ApiKey[]): Authenticate {
  const entries = keys.map((key) => ({
    digest: Buffer.from(key.sha256, "hex"),
    principal: principalFrom(key),
  }));
  const remembered = new Map<string, Principal>();
  return (authorization) => {
    if (!authorization) return null;
    const known = remembered.get(authorization);
    if (known) return known;
    const key = BEARER.exec(authorization)?.[1];
    if (key === undefined) return null;
    const digest = createHash("sha256").update(key).digest();
    const entry = entries.find((candidate) => timingSafeEqual(candidate.digest, digest));
    if (!entry) return null;
    if (remembered.size >= MAX_REMEMBERED) remembered.clear();
    remembered.set(authorization, entry.principal);
    return entry.principal;
  };
}

function principalFrom(key: ApiKey): Principal {
  const perMinute =
    key.requests_per_minute === undefined && key.role !== "admin"
      ? DEFAULT_REQUESTS_PER_MINUTE
      : (key.requests_per_minute ?? null);
  return {
    keyId: key.id,
    role: key.role,
    permissions: new Set<Permission>(ROLE_PERMISSIONS[key.role]),
    limit:
      perMinute === null
        ? null
        : { requestsPerMinute: perMinute, burst: Math.max(100, Math.ceil(perMinute / 60)) },
  };
}
