/**
 * API keys as a deployment is given them, and what any key says about itself.
 *
 * They arrive as a secret (API_KEYS): id, role and SHA-256 only, so neither code, configuration nor memory dumps of the
 * configuration give a usable key away. A key is 24 random bytes, so a plain hash of it cannot be guessed back.
 */
import { createHash, createHmac } from "node:crypto";
import * as z from "zod";
import { type Permission, type Principal, ROLE_PERMISSIONS, ROLES, type Role } from "./access.ts";
import { keyLimitsFrom, keyLimitsSchema } from "./limit-policy.ts";
import { regionIdSchema } from "./names.ts";

/** Roles that a key in a page can have: what the others may do is for nobody who can read a page. */
const ROLES_FOR_PAGES: ReadonlySet<Role> = new Set(["public", "ingest", "pricing"]);
const MAX_REGIONS = 1_000;

export const keyIdSchema = z
  .string()
  .regex(/^key_[a-z0-9]{4,32}$/, "Not the id of a key, such as key_ and 12 letters and digits.");

/** What a key may do, and how often. */
export const keyPolicyShape = {
  role: z.enum(ROLES),
  /** The only regions it may name; all when absent. */
  regions: z.array(regionIdSchema).min(1).max(MAX_REGIONS).exactOptional(),
  /** A key of another role that ships in browsers and apps; one of role `public` always does. */
  public: z.boolean().exactOptional(),
  /** What is not named here is limited as docs/limits.md says. */
  limits: keyLimitsSchema.exactOptional(),
};

/** Only what pages may do can be done with a key that everybody can read. */
export const PUBLIC_KEY_RULE = {
  check: ({ role, public: isPublic }: { role: Role; public?: boolean }) =>
    !isPublic || ROLES_FOR_PAGES.has(role),
  error: `Only a key of role ${[...ROLES_FOR_PAGES].join(", ")} can be public.`,
};

export const apiKeySchema = z
  .strictObject({
    id: keyIdSchema,
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    ...keyPolicyShape,
    /** Per key, as `limits.per_key` says with a burst. Null for no limit; the default is the role's. */
    requests_per_minute: z.number().int().positive().nullable().exactOptional(),
  })
  .refine(PUBLIC_KEY_RULE.check, { error: PUBLIC_KEY_RULE.error });
export type ApiKey = z.infer<typeof apiKeySchema>;
/** A key without what proves it. */
export type KeyPolicy = Omit<ApiKey, "sha256">;

/** Reads the API_KEYS secret. Throws on a secret that is not what it should be: a deployment without keys must not start. */
export function parseApiKeys(secret: string): ApiKey[] {
  return z.array(apiKeySchema).min(1).parse(JSON.parse(secret));
}

/** SHA-256 of a key in hex, as API_KEYS holds it. */
export function hashOfKey(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}

/** Names limits of keys that have no hash for good; the same in every isolate of a deployment, and known to nobody else. */
export type LimitSalt = (keyId: string) => string;

export function limitSaltFrom(keys: readonly ApiKey[]): LimitSalt {
  const secret = keys.map(({ sha256 }) => sha256).join();
  return (keyId) => createHmac("sha256", secret).update(keyId).digest("hex");
}

/** Whom a key speaks for. */
export function principalFrom(key: KeyPolicy, limitSalt: string): Principal {
  const { id, role, requests_per_minute } = key;
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
    limitSalt,
  };
}
