/** Access tokens of this service (RFC 9068): a key gets one for a quarter of an hour, and may ask for less than it can do. */
import { SECOND_MS } from "../domain/units.ts";
import { PERMISSIONS, type Permission, type Principal } from "./access.ts";
import type { KeyInForce } from "./key-ring.ts";
import type { Claims } from "./signing-keys.ts";

/** Who issues them and whom they are meant for. Deployments are told apart by their keys. */
export const TOKEN_ISSUER = "edge-demand-pricing";
export const TOKEN_TYPE = "at+jwt";
export const TOKEN_LIFE_MS = 15 * 60 * SECOND_MS;

/** Permissions that a `scope` names; null when it names what is none. Without a scope, all of `held`. */
export function scopeFrom(
  scope: string | undefined,
  held: ReadonlySet<Permission>,
): Permission[] | null {
  if (scope === undefined) return PERMISSIONS.filter((permission) => held.has(permission));
  const words = scope.split(" ").filter((word) => word !== "");
  const asked = PERMISSIONS.filter((permission) => words.includes(permission));
  const isKnown = words.every((word) => asked.some((permission) => permission === word));
  return isKnown && asked.length > 0 && asked.every((one) => held.has(one)) ? asked : null;
}

/** The claims of a new token. It ends with its key at the latest. */
export function tokenClaims(
  { principal, until }: KeyInForce,
  scope: readonly Permission[],
  { now, id }: { now: number; id: string },
): Claims & { iat: number; exp: number } {
  const iat = Math.floor(now / SECOND_MS);
  const exp = Math.floor(Math.min(now + TOKEN_LIFE_MS, until) / SECOND_MS);
  const { keyId, regions } = principal;
  return {
    ...{ iss: TOKEN_ISSUER, aud: TOKEN_ISSUER, sub: keyId, client_id: keyId },
    ...{ iat, exp, jti: id, scope: scope.join(" ") },
    ...(regions === null ? {} : { regions: [...regions] }),
  };
}

/**
 * Whom a token speaks for: its key as it is now, with no more permissions than the token has. What became of the key since counts,
 * so a token of a key that is revoked is worth nothing.
 */
export function narrowed(principal: Principal, claims: Claims): Principal {
  const words = typeof claims.scope === "string" ? claims.scope.split(" ") : [];
  const permissions = [...principal.permissions].filter((permission) => words.includes(permission));
  if (permissions.length === principal.permissions.size) return principal;
  return { ...principal, permissions: new Set(permissions) };
}
