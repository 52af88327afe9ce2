/**
 * Hashes of people: nobody is stored by the id a client sends, and the same person has the same hash in events, exposures and
 * quotes, so that they can be joined.
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";
import { SipHash } from "../domain/sip-hash.ts";

/** 64 bits as two unsigned halves. */
export interface Hash64 {
  high: number;
  low: number;
}

export interface PersonHashes {
  /** HMAC-SHA256 of a person's id, its first 64 bits; never both halves zero. The object is reused by the next call. */
  ofPerson(id: string): Hash64;
  /** `ofPerson` of the ASCII text that lies in `bytes` from `from` to `to`. */
  ofPersonAt(bytes: Uint8Array, from: number, to: number): Hash64;
}

/** Makes the hashes under `secret`, which is USER_HASH_KEY. An HMAC costs some 5 us, an id that was seen lately 0.1 us. */
export function personHashesFrom(secret: string): PersonHashes {
  const secretBytes = utf8ToBytes(secret);
  const cacheHash = new SipHash(hmac(sha256, secretBytes, utf8ToBytes("cache")).subarray(0, 16));
  const personKey = hmac(sha256, secretBytes, utf8ToBytes("person"));
  const keyed = hmac.create(sha256, personKey);
  const digest = new Uint8Array(32);
  const words = new DataView(digest.buffer);
  const cache = new HashCache();
  /** The hash of the person whose name the cacheHash holds. */
  const personHash = (idBytes: () => Uint8Array): Hash64 => {
    if (cache.find(cacheHash.high, cacheHash.low)) return cache.found;
    keyed.clone().update(idBytes()).digestInto(digest);
    const high = words.getUint32(0);
    const low = words.getUint32(4);
    cache.put(high, high === 0 && low === 0 ? 1 : low);
    return cache.found;
  };
  return {
    ofPerson(id) {
      cacheHash.text(id);
      return personHash(() => utf8ToBytes(id));
    },
    ofPersonAt(bytes, from, to) {
      cacheHash.bytes(bytes, from, to);
      return personHash(() => bytes.subarray(from, to));
    },
  };
}

/** A power of two. */
const PAIRS = 65_536;
/** Two halves of the hash that names the person here, two of the hash that is answered. */
const COLUMNS = 4;
const PAIR_LENGTH = 2 * COLUMNS;

/**
 * The latest 100,000 hashes or so, two megabytes of numbers. A person's name falls on a pair of entries, where the newer of the
 * two stands first.
 */
class HashCache {
  /** What was found or put last. */
  readonly found: Hash64 = { high: 0, low: 0 };
  private readonly entries = new Uint32Array(PAIRS * PAIR_LENGTH);
  private pairAt = 0;
  private nameHigh = 0;
  private nameLow = 0;

  /** True when a person is here; `found` is then their hash. */
  find(nameHigh: number, nameLow: number): boolean {
    this.pairAt = (nameLow & (PAIRS - 1)) * PAIR_LENGTH;
    this.nameHigh = nameHigh;
    this.nameLow = nameLow;
    return this.take(this.pairAt) || this.take(this.pairAt + COLUMNS);
  }

  /** Keeps the hash of the person that was looked for last, in place of the older of its pair. */
  put(high: number, low: number): void {
    const { entries, pairAt: at } = this;
    entries.copyWithin(at + COLUMNS, at, at + COLUMNS);
    entries[at] = this.nameHigh;
    entries[at + 1] = this.nameLow;
    entries[at + 2] = high;
    entries[at + 3] = low;
    this.found.high = high;
    this.found.low = low;
  }

  private take(at: number): boolean {
    const { entries, found } = this;
    if (entries[at] !== this.nameHigh || entries[at + 1] !== this.nameLow) return false;
    found.high = entries[at + 2] ?? 0;
    found.low = entries[at + 3] ?? 0;
    // No hash is all zeros, so an entry that was never put is not found.
    return found.high !== 0 || found.low !== 0;
  }
}
