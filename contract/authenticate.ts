/** From the Authorization header to who is asking. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { Principal } from "./access.ts";
import { type ApiKey, principalFrom } from "./api-keys.ts";

const BEARER = /^Bearer +(\S+)$/i;
/** Verified tokens remembered, so that a request is hashed once per isolate and token. */
const MAX_REMEMBERED = 10_000;

export type Authenticate = (authorization: string | null | undefined) => Principal | null;

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
