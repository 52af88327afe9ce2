/** Keys that are made, rotated and revoked: /admin/v1/keys */
import type { ApiKey } from "../../../contract/api-keys.ts";
import { hashOfKey } from "../../../contract/api-keys.ts";
import {
  keyRequestSchema,
  keysQuerySchema,
  MAX_KEY_BODY_BYTES,
  MAX_MANAGED_KEYS,
  rotateRequestSchema,
} from "../../../contract/key-admin.ts";
import type { KeyRing } from "../../../contract/key-ring.ts";
import { prefixOfKey } from "../../../contract/managed-keys.ts";
import type { Problem } from "../../../contract/problem.ts";
import { SECOND_MS } from "../../../domain/units.ts";
import { type AdminPorts, completeChange, keyIdOf, unavailable } from "../admin/config-changes.ts";
import type { Call } from "../call.ts";
import type { Dependency } from "../dependency.ts";
import { pageAfter, placeText } from "../keyset.ts";
import { checked, checkedQuery, readJson } from "../read-body.ts";
import type { Handler } from "../router.ts";
import { jsonResponse } from "../routes/json.ts";
import { auditTextOf, keyAnswerFrom } from "./describe-key.ts";
import {
  type AuditLine,
  countKeysInForce,
  findKey,
  listKeys,
  type SecretRow,
  type StoredKey,
  storeKey,
  storeRevocation,
  storeRotation,
} from "./key-store.ts";
import { publishKeys } from "./publish-keys.ts";

export interface KeyPorts
  extends Pick<AdminPorts, "config" | "database" | "databaseDependency" | "wallNow"> {
  /** Allows for all rounds of a publication: KV takes a write of one key a second. */
  publishingDependency: Dependency;
  ring: KeyRing;
  deployedKeys: readonly ApiKey[];
  fillRandom: (bytes: Uint8Array<ArrayBuffer>) => void;
}

const ID_BYTES = 6;
const SECRET_BYTES = 32;

/** GET /admin/v1/keys */
export function showKeys({ database, databaseDependency, deployedKeys }: KeyPorts): Handler {
  return async ({ request, now }) => {
    const query = checkedQuery(keysQuerySchema, request);
    if ("type" in query) return query;
    const { after, limit } = query.value;
    const page = pageAfter(after);
    if ("type" in page) return page;
    const found = await databaseDependency.ask(() => listKeys(database, page.place, limit));
    if (!found.ok) return unavailable(found);
    const last = found.value.length === limit ? found.value.at(-1)?.row : undefined;
    return jsonResponse({
      keys: found.value.map((key) => keyAnswerFrom(key, now)),
      next: last ? placeText({ at: last.createdAt, id: last.id }) : null,
      deployed: after === undefined ? deployedKeys.map(deployedKeyFrom) : null,
    });
  };
}

function deployedKeyFrom({ id, role, regions, public: isPublic }: ApiKey) {
  return { id, role, regions: regions ?? null, public: isPublic ?? role === "public" };
}

/** GET /admin/v1/keys/{id} */
export function readKey(ports: KeyPorts): Handler {
  return async (call) => {
    const key = await keyOf(ports, call);
    return "type" in key ? key : jsonResponse(keyAnswerFrom(key, call.now));
  };
}

/** POST /admin/v1/keys */
export function makeKey(ports: KeyPorts): Handler {
  const { database, databaseDependency } = ports;
  return async (call) => {
    const body = await readJson(call.request, MAX_KEY_BODY_BYTES);
    if (!("json" in body)) return body;
    const input = checked(keyRequestSchema, body.json);
    if ("type" in input) return input;
    const { name, expires_at, ...policy } = input.value;
    if (expires_at !== undefined && expires_at <= call.now) {
      const errors = [{ path: "expires_at", detail: "It is in the past." }];
      return { type: "invalid_request", errors };
    }
    const count = await databaseDependency.ask(() => countKeysInForce(database, call.now));
    if (!count.ok) return unavailable(count);
    if (count.value >= MAX_MANAGED_KEYS) return { type: "too_many_keys" };

    const id = `key_${randomBytes(ports, ID_BYTES).toString("hex")}`;
    const { key, secret } = newSecret(ports, id, call.now);
    const stored: StoredKey = {
      row: {
        ...{ id, name, policy, createdAt: call.now, createdBy: keyIdOf(call) },
        ...{ expiresAt: expires_at ?? null, revokedAt: null },
      },
      secrets: [secret],
    };
    const line = lineOf(call, null, stored);
    const fault = await change(ports, call, id, () => storeKey(database, stored, line));
    return fault ?? jsonResponse({ key, ...keyAnswerFrom(stored, call.now) }, 201);
  };
}

/** POST /admin/v1/keys/{id}/rotate: a new key of the same id; the one that there is stays good for a while. */
export function rotateKey(ports: KeyPorts): Handler {
  const { database } = ports;
  return async (call) => {
    const body = await readJson(call.request, MAX_KEY_BODY_BYTES);
    if (!("json" in body)) return body;
    const input = checked(rotateRequestSchema, body.json);
    if ("type" in input) return input;
    const before = await keyOf(ports, call);
    if ("type" in before) return before;
    const { state } = keyAnswerFrom(before, call.now);
    if (state !== "active") return { type: "key_not_in_force", detail: `The key is ${state}.` };

    const { id } = before.row;
    const { key, secret } = newSecret(ports, id, call.now);
    const validUntil = call.now + input.value.grace_period_s * SECOND_MS;
    const after = {
      row: before.row,
      secrets: [secret, ...before.secrets.map((old) => endedAt(old, validUntil))],
    };
    const line = lineOf(call, before, after);
    const rotation = { secret, validUntil };
    const fault = await change(ports, call, id, () => storeRotation(database, rotation, line));
    return fault ?? jsonResponse({ key, ...keyAnswerFrom(after, call.now) });
  };
}

/** DELETE /admin/v1/keys/{id}. Doing it again publishes again, should the first time have failed half way. */
export function revokeKey(ports: KeyPorts): Handler {
  const { database } = ports;
  return async (call) => {
    const before = await keyOf(ports, call);
    if ("type" in before) return before;
    const { row, secrets } = before;
    const revokedAt = row.revokedAt ?? call.now;
    const after = { row: { ...row, revokedAt }, secrets };
    const line = lineOf(call, before, after);
    const fault = await change(ports, call, row.id, () =>
      storeRevocation(database, { id: row.id, revokedAt }, line),
    );
    return fault ?? jsonResponse(keyAnswerFrom(after, call.now));
  };
}

/** Records a change, puts it in force, has this isolate notice at once. The problem when that cannot be said of it. */
async function change(
  { config, publishingDependency, database, databaseDependency, wallNow, ring }: KeyPorts,
  call: Call,
  id: string,
  record: () => Promise<number>,
): Promise<Problem | null> {
  const recorded = await databaseDependency.ask(record);
  if (!recorded.ok) return unavailable(recorded);
  const publishing = publishingDependency.ask(() => publishKeys(database, config, wallNow));
  // It takes its rounds to the end, also when nobody waits for the answer any more.
  call.waitUntil(publishing);
  const published = await publishing;
  if (!published.ok) {
    const detail = `The change of ${id} is recorded, and not in force before the next change or the next full hour.`;
    return { type: "unavailable", detail, retryAfterS: 2 };
  }
  // The change is in force; that the audit cannot say so yet does not undo it.
  await databaseDependency.ask(() => completeChange(database, recorded.value, wallNow()));
  await ring.renew(call);
  return null;
}

async function keyOf(
  { database, databaseDependency }: KeyPorts,
  call: Call,
): Promise<StoredKey | Problem> {
  const found = await databaseDependency.ask(() => findKey(database, call.param("id")));
  if (!found.ok) return unavailable(found);
  return found.value ?? { type: "unknown_key" };
}

function lineOf(call: Call, before: StoredKey | null, after: StoredKey): AuditLine {
  const { now } = call;
  return {
    changedAt: now,
    changedBy: keyIdOf(call),
    before: before && auditTextOf(before, now),
    after: auditTextOf(after, now),
  };
}

function newSecret(
  ports: KeyPorts,
  keyId: string,
  now: number,
): { key: string; secret: SecretRow } {
  const key = `${keyId}.${randomBytes(ports, SECRET_BYTES).toString("base64url")}`;
  const sha256 = hashOfKey(key);
  return {
    key,
    secret: { sha256, keyId, prefix: prefixOfKey(key), createdAt: now, validUntil: null },
  };
}

function endedAt(secret: SecretRow, at: number): SecretRow {
  return { ...secret, validUntil: Math.min(secret.validUntil ?? at, at) };
}

function randomBytes({ fillRandom }: KeyPorts, length: number): Buffer {
  const bytes = new Uint8Array(length);
  fillRandom(bytes);
  return Buffer.from(bytes);
}
