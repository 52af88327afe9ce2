/**
 * Keys that are made, rotated and revoked while the service runs.
 *
 * D1 is their record. What every Worker needs of them lies in one KV document, so that no request asks for a key: the document
 * holds the keys in force, by id, with the hashes of their secrets.
 */
import * as z from "zod";
import { keyIdSchema, keyPolicyShape } from "./api-keys.ts";

/** KV. */
export const KEYS_DOCUMENT = "keys/current";

/** A key in clear: its id, a dot, 32 random bytes. So its hash is found by its id, and compared in constant time. */
const MANAGED_KEY = /^(key_[a-z0-9]{12})\.[\w-]{43}$/;
/** How much of a key is shown, to tell one from another. */
const PREFIX_LENGTH = "key_".length + 12 + 1 + 4;

/** The id in the text of a managed key, or null when the text is none. */
export function idOfManagedKey(text: string): string | null {
  return MANAGED_KEY.exec(text)?.[1] ?? null;
}

export function prefixOfKey(key: string): string {
  return key.slice(0, PREFIX_LENGTH);
}

const epochMsSchema = z.int().min(0);

const managedKeySchema = z.strictObject({
  id: keyIdSchema,
  ...keyPolicyShape,
  /** From then on it is no key any more; null for never. Epoch milliseconds. */
  expires_at: epochMsSchema.nullable(),
  /** One, and those it was rotated from for as long as they are good. */
  secrets: z
    .array(
      z.strictObject({
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
        until: epochMsSchema.nullable(),
      }),
    )
    .min(1),
});
export type ManagedKey = z.infer<typeof managedKeySchema>;

export const keysDocumentSchema = z.strictObject({
  /** The newest change that is in it; it only grows. */
  revision: z.int(),
  keys: z.array(managedKeySchema),
});
export type KeysDocument = z.infer<typeof keysDocumentSchema>;
