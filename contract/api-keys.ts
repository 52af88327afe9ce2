/**
 * API keys as a deployment is given them.
 *
 * They arrive as a secret (API_KEYS): id, role and SHA-256 only, so neither code, configuration nor memory dumps of the
 * configuration give a usable key away. A key is 24 random bytes, so a plain hash of it cannot be guessed back.
 */
import { createHash } from "node:crypto";
import * as z from "zod";
import { type Permission, type Principal, ROLE_PERMISSIONS, ROLES, type Role } from "./access.ts";
import { keyLimitsFrom, keyLimitsSchema } from "./limit-policy.ts";
import { regionIdSchema } from "./names.ts";

/** Roles that a key in a page can have: what the others may do is for nobody who can read a page. */
const ROLES_FOR_PAGES: ReadonlySet<Role> = new Set(["public", "ingest", "pricing"]);

export const apiKeySchema = z
  .strictObject({
    id: z.string().regex(/^key_[a-z0-9]{4,32}$/),
    role: z.enum(ROLES),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    /** The only regions it may name; all when absent. */
    regions: z.array(regionIdSchema).min(1).max(1_000).optional(),
    /** A key of another role that ships in browsers and apps; one of role `public` always does. */
    public: z.boolean().optional(),
    /** Per key, as `limits.per_key` says with a burst. Null for no limit; the default is the role's. */
    requests_per_minute: z.number().int().positive().nullable().optional(),
    /** What is not named here is limited as docs/limits.md says. */
    limits: keyLimitsSchema.optional(),
  })
  .refine(({ role, public: isPublic }) => !isPublic || ROLES_FOR_PAGES.has(role), {
    error: `Only a key of role ${[...ROLES_FOR_PAGES].join(", ")} can be public.`,
  });
export type ApiKey = z.infer<typeof apiKeySchema>;

/** Reads the API_KEYS secret. Throws on a secret that is not what it should be: a deployment without keys must not start. */
export function parseApiKeys(secret: string): ApiKey[] {
  return z.array(apiKeySchema).min(1).parse(JSON.parse(secret));
}

/** SHA-256 of a key in hex, as API_KEYS holds it. */
export function hashOfKey(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}

/** Whom a key speaks for. */
export function principalFrom(key: ApiKey): Principal {
  const { id, role, requests_per_minute, sha256 } = key;
  const isTrusted = role === "admin";
  const isPublic = key.public ?? role === "public";
  const isLimited = !isTrusted || requests_per_minute !== undefined || key.limits !== undefined;
  return {
    keyId: id,
    roles: [role],
    isPublic,
    permissions: new Set<Permission>(ROLE_PERMISSIONS[role]),
    regions: key.regions ? new Set(key.regions) : null,
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
