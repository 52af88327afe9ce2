/** Public keys that tokens are checked with, wherever they are. */
import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import type { Background } from "./limit-desk.ts";
import { jwksAnswerSchema } from "./signing-jwk.ts";

/** A set that changes is looked at again after so long. */
const KEPT_FOR_MS = 10_000;

/** Finds the key that a token's header names; throws jose's errors when there is none. */
export type FindKey = JWTVerifyGetKey;

export interface TokenKeys {
  /** Null when the keys cannot be had. A promise, for they may have to be fetched. */
  finder(kid: string | undefined, background: Background): Promise<FindKey | null>;
}

/** Keys of the configuration. */
export function configuredKeys(jwks: JSONWebKeySet): TokenKeys {
  const find = createLocalJWKSet(jwks);
  return { finder: async () => find };
}

/** The public keys of this service's tokens, from the variable TOKEN_JWKS; null where it is empty. Throws on what is no set. */
export function tokenKeysFrom(text: string): TokenKeys | null {
  if (text.trim() === "") return null;
  return configuredKeys(jwksAnswerSchema.parse(JSON.parse(text)));
}

/** A set that changes now and then without a restart: keys whose time is over leave it. */
export function changingKeys(
  read: (now: number) => Promise<JSONWebKeySet>,
  wallNow: () => number,
): TokenKeys {
  let kept: { find: FindKey; readAt: number } | null = null;
  return {
    async finder() {
      const now = wallNow();
      if (kept === null || now - kept.readAt >= KEPT_FOR_MS) {
        kept = { find: createLocalJWKSet(await read(now)), readAt: now };
      }
      return kept.find;
    },
  };
}
