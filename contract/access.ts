/**
 * Who is asking, and what they may do.
 *
 * Keys arrive as a secret (API_KEYS): id, role and SHA-256 only, so neither code, configuration nor memory dumps of the
 * configuration give a usable key away.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import * as z from "zod";
import { type KeyLimits, keyLimitsFrom, keyLimitsSchema } from "./limit-policy.ts";

/** What each role may do. A permission is checked once, where the route is declared. */
export const ROLE_PERMISSIONS = {
  admin: [
    "events:write",
    "prices:read",
    "prices:explain",
    "prices:fresh",
    "demand:read",
    "metrics:read",
    "admin",
  ],
  pricing: ["prices:read", "prices:explain", "demand:read", "metrics:read"],
  ingest: ["events:write", "metrics:read"],
  /** Ships in browsers and apps, so anybody can have it. */
  public: ["events:write", "prices:read"],
} as const;

export type Role = keyof typeof ROLE_PERMISSIONS;
export type Permission = (typeof ROLE_PERMISSIONS)[Role][number];

export const apiKeySchema = z
  .strictObject({
    id: z.string().regex(/^key_[a-z0-9]{4,32}$/),
    role: z.enum(["admin", "pricing", "ingest", "public"]),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    /** A key of any role that ships in browsers and apps; one of role `public` always does. */
    public: z.boolean().optional(),
    /** Per key, as `limits.per_key` says with a burst. Null for no limit; the default is the role's. */
    requests_per_minute: z.number().int().positive().nullable().optional(),
    /** What is not named here is limited as docs/limits.md says. */
    limits: keyLimitsSchema.optional(),
  })
  .refine(({ role, public: isPublic }) => role !== "admin" || !isPublic, {
    error: "An admin key is never public.",
  });
export type ApiKey = z.infer<typeof apiKeySchema>;

const PUBLIC_PERMISSIONS: ReadonlySet<Permission> = new Set(ROLE_PERMISSIONS.public);

/** True for what keys in browsers may do. */
export function isForPublic(permission: Permission): boolean {
  return PUBLIC_PERMISSIONS.has(permission);
}

export interface Principal {
  keyId: string;
  role: Role;
  /** The key ships in browsers and apps. */
  isPublic: boolean;
  permissions: ReadonlySet<Permission>;
  /** False: under no limit at all. */
  isLimited: boolean;
  limits: KeyLimits;
  /** Under which whoever uses the key is hashed; nobody outside knows it. */
  limitSalt: string;
}

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
  const { id, role, requests_per_minute, sha256 } = key;
  const isTrusted = role === "admin";
  const isPublic = key.public ?? role === "public";
  const isLimited = !isTrusted || requests_per_minute !== undefined || key.limits !== undefined;
  return {
    keyId: id,
    role,
    isPublic,
    permissions: new Set<Permission>(ROLE_PERMISSIONS[role]),
    isLimited,
    limits: keyLimitsFrom({
      isTrusted,
      isPublic,
      requestsPerMinute: requests_per_minute,
      limits: key.limits,
    }),
    limitSalt: sha256,
  };
}
