/** The secrets of a local stack, made at its first start. */
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { type ApiKey, hashOfKey } from "../contract/api-keys.ts";
import { parseSigningKeys } from "../contract/signing-jwk.ts";
import type { DataDir } from "./data-dir.ts";
import { makeSigningKey } from "./make-signing-key.ts";
import { isMissing, replaceFile } from "./replace-file.ts";

const OWNER_ONLY = 0o600;
const secret = z.string().min(16);
/** The roles that a local stack has a key for. A data dir made before there was one gets it at its next start. */
const LOCAL_ROLES = ["admin", "pricing", "ingest", "public"] as const;
const keysSchema = z.record(z.enum(LOCAL_ROLES), secret);

/** One API key for each role, in clear. */
export type LocalKeys = Record<(typeof LOCAL_ROLES)[number], string>;

export interface Credentials {
  keys: LocalKeys;
  userHashKey: string;
  /** The SIGNING_KEYS secret. */
  signingKeys: string;
}

/** Reads the secrets of a data dir, after making those that are missing. Throws on a file that holds something else. */
export async function loadCredentials(
  dataDir: Pick<DataDir, "credentials" | "userHashKey" | "signingKeys">,
): Promise<Credentials> {
  const keys = await loadKeys(dataDir.credentials);
  const hashText = await readOrMake(dataDir.userHashKey, () => `${randomText()}\n`);
  const signingKeys = (await readOrMake(dataDir.signingKeys, newSigningKeys)).trim();
  parseSigningKeys(signingKeys);
  return {
    keys,
    userHashKey: secret.parse(hashText.trim()),
    signingKeys,
  };
}

/** The API_KEYS secret of the Workers and the origin: hashes only. */
export function apiKeysSecret(keys: LocalKeys): string {
  const entries = LOCAL_ROLES.map(
    (role): ApiKey => ({ id: `key_local${role}`, role, sha256: hashOfKey(keys[role]) }),
  );
  return JSON.stringify(entries);
}

/** Keys that are missing are made; those that are there stay as they are. */
async function loadKeys(path: string): Promise<LocalKeys> {
  const text = await readOrMake(path, () => "{}\n");
  const known = z.partialRecord(z.enum(LOCAL_ROLES), secret).parse(JSON.parse(text));
  const missing = LOCAL_ROLES.filter((role) => known[role] === undefined);
  const made = Object.fromEntries(missing.map((role) => [role, newKey()]));
  const keys = keysSchema.parse({ ...known, ...made });
  if (missing.length > 0) await replaceFile(path, `${JSON.stringify(keys, null, 2)}\n`, OWNER_ONLY);
  return keys;
}

async function readOrMake(path: string, make: () => string | Promise<string>): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (!isMissing(error)) throw error;
    const text = await make();
    await replaceFile(path, text, OWNER_ONLY);
    return text;
  }
}

const randomText = () => randomBytes(24).toString("base64url");
const newKey = () => `key_${randomText()}`;
const newSigningKeys = async () =>
  `${JSON.stringify({ keys: [await makeSigningKey("EdDSA")] }, null, 2)}\n`;
