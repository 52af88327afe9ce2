/** The keys of a deployment's secret. They work while nothing else does, and only a new secret takes them away. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { Principal } from "./access.ts";
import { type ApiKey, principalFrom } from "./api-keys.ts";

const BEARER = /^Bearer +(\S+)$/i;

/** The key or token of an Authorization header; null when it has none. */
export function credentialOf(authorization: string): string | null {
  return BEARER.exec(authorization)?.[1] ?? null;
}

export function digestOf(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}

export class DeployedKeys {
  private readonly entries: { id: string; digest: Buffer; principal: Principal }[];

  constructor(keys: readonly ApiKey[]) {
    this.entries = keys.map((key) => ({
      id: key.id,
      digest: Buffer.from(key.sha256, "hex"),
      principal: principalFrom(key, key.sha256),
    }));
  }

  /** Whom a key speaks for; null when it is none of these. */
  find(key: string): Principal | null {
    const digest = digestOf(key);
    const entry = this.entries.find((one) => timingSafeEqual(one.digest, digest));
    return entry?.principal ?? null;
  }

  byId(id: string): Principal | null {
    return this.entries.find((one) => one.id === id)?.principal ?? null;
  }

  /** The same for the whole header. */
  ofHeader(authorization: string | undefined): Principal | null {
    const key = authorization === undefined ? null : credentialOf(authorization);
    return key === null ? null : this.find(key);
  }
}
