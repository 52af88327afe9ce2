/** The secrets of a local stack, made at its first start. */
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { type ApiKey, hashOfKey, type Role } from "../contract/access.ts";
import type { DataDir } from "./data-dir.ts";
import { isMissing, replaceFile } from "./replace-file.ts";

const OWNER_ONLY = 0o600;
const secret = z.string().min(16);
const keysSchema = z.object({ admin: secret, pricing: secret, ingest: secret });

/** One API key for each role, in clear. */
export type LocalKeys = Record<Role, string>;

export interface Credentials {
  keys: LocalKeys;
  userHashKey: string;
}

/** Reads the secrets of a data dir, after making those that are missing. Throws on a file that holds something else. */
export async function loadCredentials(
  dataDir: Pick<DataDir, "credentials" | "userHashKey">,
): Promise<Credentials> {
  const keysText = await readOrMake(dataDir.credentials, () => {
    const keys: LocalKeys = { admin: newKey(), pricing: newKey(), ingest: newKey() };
    return `${JSON.stringify(keys, null, 2)}\n`;
  });
  const hashText = await readOrMake(dataDir.userHashKey, () => `${randomText()}\n`);
  return {
    keys: keysSchema.parse(JSON.parse(keysText)),
    userHashKey: secret.parse(hashText.trim()),
  };
}

/** The API_KEYS secret of the Workers and the origin: hashes only. */
export function apiKeysSecret(keys: LocalKeys): string {
  const roles: Role[] = ["admin", "pricing", "ingest"];
  const entries = roles.map(
    (role): ApiKey => ({ id: `key_local${role}`, role, sha256: hashOfKey(keys[role]) }),
  );
  return JSON.stringify(entries);
}

async function readOrMake(path: string, make: () => string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (!isMissing(error)) throw error;
    const text = make();
    await replaceFile(path, text, OWNER_ONLY);
    return text;
  }
}

const randomText = () => randomBytes(24).toString("base64url");
const newKey = () => `key_${randomText()}`;
