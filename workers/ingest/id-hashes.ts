/**
 * Hashes of the ids that clients send: people are never stored by their id, and idempotency keys take 64 bits.
 *
 * One secret, USER_HASH_KEY, keys both. When it changes, users count as new and repeats across the change count twice, so it
 * changes at a quiet time.
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";
import { type Hash64, type PersonHashes, personHashesFrom } from "../../contract/person-hashes.ts";
import { SipHash } from "../../domain/sip-hash.ts";

export interface IdHashes extends PersonHashes {
  /** Of an idempotency key. The object is reused by the next call. */
  ofKey(key: string): Hash64;
  /** `ofKey` of the ASCII text that lies in `bytes` from `from` to `to`. */
  ofKeyAt(bytes: Uint8Array, from: number, to: number): Hash64;
}

/** Makes the hashes under `secret`. */
export function idHashesFrom(secret: string): IdHashes {
  const keyHash = new SipHash(
    hmac(sha256, utf8ToBytes(secret), utf8ToBytes("idempotency")).subarray(0, 16),
  );
  return {
    ...personHashesFrom(secret),
    ofKey(key) {
      keyHash.text(key);
      return keyHash;
    },
    ofKeyAt(bytes, from, to) {
      keyHash.bytes(bytes, from, to);
      return keyHash;
    },
  };
}
