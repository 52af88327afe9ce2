/** What may be told of a key: to whoever manages keys, and to the audit. Nothing here can be used as one. */
import type { KeyAnswer } from "../../../contract/key-admin.ts";
import { instantText } from "../../../contract/names.ts";
import type { StoredKey } from "./key-store.ts";

export function keyAnswerFrom({ row, secrets }: StoredKey, now: number): KeyAnswer {
  const { policy, expiresAt, revokedAt } = row;
  const good = secrets.filter(({ validUntil }) => validUntil === null || validUntil > now);
  return {
    id: row.id,
    name: row.name,
    role: policy.role,
    regions: policy.regions ?? null,
    public: policy.public ?? policy.role === "public",
    limits: policy.limits ?? null,
    state: stateOf(row, now),
    created_at: instantText(row.createdAt),
    created_by: row.createdBy,
    expires_at: textOf(expiresAt),
    revoked_at: textOf(revokedAt),
    secrets: good.map(({ prefix, createdAt, validUntil }) => ({
      prefix,
      created_at: instantText(createdAt),
      valid_until: textOf(validUntil),
    })),
  };
}

/** The same for the audit, one line. */
export function auditTextOf(key: StoredKey, now: number): string {
  return JSON.stringify(keyAnswerFrom(key, now));
}

function stateOf({ expiresAt, revokedAt }: StoredKey["row"], now: number): KeyAnswer["state"] {
  if (revokedAt !== null) return "revoked";
  return expiresAt !== null && expiresAt <= now ? "expired" : "active";
}

function textOf(at: number | null): string | null {
  return at === null ? null : instantText(at);
}
