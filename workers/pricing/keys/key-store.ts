/**
 * The record of managed keys in D1. Every change is one batch with its line in the audit: neither is there without the other.
 *
 * Nothing is read to be written back, so two who change the same key at once lose nothing of each other.
 */
import { and, asc, desc, eq, gt, inArray, isNull, max, or, type SQL, sql } from "drizzle-orm";
import { MAX_MANAGED_KEYS } from "../../../contract/key-admin.ts";
import type { KeysDocument } from "../../../contract/managed-keys.ts";
import type { EdgeDatabase } from "../decision-store.ts";
import { isBehind, type Place } from "../keyset.ts";
import { apiKeySecrets, apiKeys, configChanges } from "../schema.ts";

export type KeyRow = typeof apiKeys.$inferSelect;
export type SecretRow = typeof apiKeySecrets.$inferSelect;

/** A key and what proves it, the newest first. */
export interface StoredKey {
  row: KeyRow;
  secrets: SecretRow[];
}

/** A line of the audit, as it is before the change took effect. */
export interface AuditLine {
  changedAt: number;
  changedBy: string;
  before: string | null;
  after: string;
}

/** Each of these answers the number of its line. */
export async function storeKey(
  database: EdgeDatabase,
  { row, secrets }: StoredKey,
  line: AuditLine,
): Promise<number> {
  const [, , written] = await database.batch([
    database.insert(apiKeys).values(row),
    database.insert(apiKeySecrets).values(secrets),
    insertLine(database, line),
  ]);
  return numberOf(written);
}

/** A new secret; those that there are end at `validUntil`, or before if they did already. */
export async function storeRotation(
  database: EdgeDatabase,
  { secret, validUntil }: { secret: SecretRow; validUntil: number },
  line: AuditLine,
): Promise<number> {
  const { keyId } = secret;
  const end = sql`min(coalesce(${apiKeySecrets.validUntil}, ${validUntil}), ${validUntil})`;
  const [, , written] = await database.batch([
    database.update(apiKeySecrets).set({ validUntil: end }).where(eq(apiKeySecrets.keyId, keyId)),
    database.insert(apiKeySecrets).values(secret),
    insertLine(database, line),
  ]);
  return numberOf(written);
}

/** The first revocation is the one that counts. */
export async function storeRevocation(
  database: EdgeDatabase,
  { id, revokedAt }: { id: string; revokedAt: number },
  line: AuditLine,
): Promise<number> {
  const first = sql`coalesce(${apiKeys.revokedAt}, ${revokedAt})`;
  const [, written] = await database.batch([
    database.update(apiKeys).set({ revokedAt: first }).where(eq(apiKeys.id, id)),
    insertLine(database, line),
  ]);
  return numberOf(written);
}

export async function findKey(database: EdgeDatabase, id: string): Promise<StoredKey | null> {
  const [rows, secrets] = await database.batch([
    database.select().from(apiKeys).where(eq(apiKeys.id, id)),
    secretsOf(database, [id]),
  ]);
  const [row] = rows;
  return row ? { row, secrets } : null;
}

/** Keys of any state, the newest first. */
export async function listKeys(
  database: EdgeDatabase,
  place: Place | null,
  limit: number,
): Promise<StoredKey[]> {
  const rows = await database
    .select()
    .from(apiKeys)
    .where(isBehind(place, apiKeys.createdAt, apiKeys.id))
    .orderBy(desc(apiKeys.createdAt), desc(apiKeys.id))
    .limit(limit);
  const byKey = await secretsByKey(
    database,
    rows.map(({ id }) => id),
  );
  return rows.map((row) => ({ row, secrets: byKey.get(row.id) ?? [] }));
}

export async function countKeysInForce(database: EdgeDatabase, now: number): Promise<number> {
  return database.$count(apiKeys, isInForce(now));
}

/** What every Worker needs to know, as of one moment. The same keys give the same document. */
export async function keysInForce(database: EdgeDatabase, now: number): Promise<KeysDocument> {
  const [newest, rows, secrets] = await database.batch([
    newestLine(database),
    database
      .select()
      .from(apiKeys)
      .where(isInForce(now))
      .orderBy(asc(apiKeys.id))
      .limit(MAX_MANAGED_KEYS),
    database
      .select()
      .from(apiKeySecrets)
      .where(or(isNull(apiKeySecrets.validUntil), gt(apiKeySecrets.validUntil, now)))
      .orderBy(desc(apiKeySecrets.createdAt), asc(apiKeySecrets.sha256)),
  ]);
  const byKey = Map.groupBy(secrets, ({ keyId }) => keyId);
  return {
    revision: newest[0]?.id ?? 0,
    keys: rows.flatMap(({ id, policy, expiresAt }) => {
      const proofs = byKey.get(id) ?? [];
      if (proofs.length === 0) return [];
      const forReaders = proofs.map(({ sha256, validUntil }) => ({ sha256, until: validUntil }));
      return [{ id, ...policy, expires_at: expiresAt, secrets: forReaders }];
    }),
  };
}

/** The number of the newest change of a key; 0 when there was none. */
export async function newestKeyChange(database: EdgeDatabase): Promise<number> {
  const [row] = await newestLine(database);
  return row?.id ?? 0;
}

function newestLine(database: EdgeDatabase) {
  return database
    .select({ id: max(configChanges.id) })
    .from(configChanges)
    .where(eq(configChanges.what, "key"));
}

function isInForce(now: number): SQL | undefined {
  return and(isNull(apiKeys.revokedAt), or(isNull(apiKeys.expiresAt), gt(apiKeys.expiresAt, now)));
}

function insertLine(database: EdgeDatabase, line: AuditLine) {
  return database
    .insert(configChanges)
    .values({ ...line, what: "key" })
    .returning({ id: configChanges.id });
}

function numberOf([row]: { id: number }[]): number {
  if (!row) throw new Error("the database took a line of the audit and gave it no number");
  return row.id;
}

function secretsOf(database: EdgeDatabase, ids: string[]) {
  return database
    .select()
    .from(apiKeySecrets)
    .where(inArray(apiKeySecrets.keyId, ids))
    .orderBy(desc(apiKeySecrets.createdAt));
}

/** Parameters that one statement takes. */
const MAX_IDS = 90;

async function secretsByKey(
  database: EdgeDatabase,
  ids: readonly string[],
): Promise<Map<string, SecretRow[]>> {
  const secrets: SecretRow[] = [];
  for (let from = 0; from < ids.length; from += MAX_IDS) {
    secrets.push(...(await secretsOf(database, ids.slice(from, from + MAX_IDS))));
  }
  return Map.groupBy(secrets, ({ keyId }) => keyId);
}
