/**
 * The keys in force, as one isolate knows them: those of the deployment's secret, and the managed ones.
 *
 * The document of the managed ones is read beside requests every five seconds. Only after ten without a read, in an isolate that
 * hardly anybody asks, does a request wait for one: a key that was revoked works nowhere for longer than that, and what KV takes to
 * spread the news. An unknown key costs no read of its own.
 */
import { timingSafeEqual } from "node:crypto";
import type { Principal } from "./access.ts";
import { type ApiKey, type LimitSalt, limitSaltFrom, principalFrom } from "./api-keys.ts";
import { DeployedKeys, digestOf } from "./deployed-keys.ts";
import type { Background } from "./limit-desk.ts";
import { type Log, messageOf } from "./log.ts";
import {
  idOfManagedKey,
  KEYS_DOCUMENT,
  type KeysDocument,
  keysDocumentSchema,
  type ManagedKey,
} from "./managed-keys.ts";
import type { Counter, Metrics } from "./metrics.ts";
import { withinLimit } from "./within-limit.ts";

/** Where published configuration is read from. */
export interface ConfigReader {
  get(key: string): Promise<string | null>;
}

export interface KeyInForce {
  principal: Principal;
  /** Its last instant. */
  until: number;
  /** It can be revoked while the isolate lives. */
  isManaged: boolean;
}

const DUE_AFTER_MS = 5_000;
const OVERDUE_AFTER_MS = 10_000;
/** After a read that failed. What was read last is good for as long as nothing newer can be. */
const RETRY_AFTER_MS = 2_000;
const READ_LIMIT_MS = 1_000;
/** A read that takes longer was lost with its request. */
const LONGEST_READ_MS = 2_000;
const LOOK_EVERY_MS = 5;

interface Entry {
  principal: Principal;
  expiresAt: number;
  secrets: { digest: Buffer; until: number }[];
}

export interface KeyRingOptions {
  /** Those of the deployment. */
  keys: readonly ApiKey[];
  config: ConfigReader;
  wallNow(): number;
  log: Log;
  metrics: Metrics;
}

export class KeyRing {
  /** Rises whenever other keys are in force than before. */
  generation = 0;
  readonly limitSalt: LimitSalt;
  private readonly options: KeyRingOptions;
  private readonly deployed: DeployedKeys;
  private managed: ReadonlyMap<string, Entry> | null = null;
  private text: string | null = null;
  private readAt = Number.NEGATIVE_INFINITY;
  private triedAt = Number.NEGATIVE_INFINITY;
  private readingSince = Number.NEGATIVE_INFINITY;
  private readonly failures: Counter;

  constructor(options: KeyRingOptions) {
    this.options = options;
    this.limitSalt = limitSaltFrom(options.keys);
    this.deployed = new DeployedKeys(options.keys);
    this.failures = options.metrics.counter(
      "access_keys_unread_total",
      "Reads of the managed keys that failed; those that were read last stay in force.",
    );
  }

  /** False before the managed keys were read once: then it cannot be said that a key is unknown. */
  get isKnown(): boolean {
    return this.managed !== null;
  }

  /** A key of the deployment's secret. */
  findDeployed(key: string): KeyInForce | null {
    return inForceForGood(this.deployed.find(key));
  }

  /** A managed key, or the reason why it is none. */
  findManaged(key: string, now: number): KeyInForce | "unknown_key" | "expired_key" {
    const id = idOfManagedKey(key);
    const entry = id === null ? undefined : this.managed?.get(id);
    if (!entry) return "unknown_key";
    const digest = digestOf(key);
    const secret = entry.secrets.find((one) => timingSafeEqual(one.digest, digest));
    if (!secret) return "unknown_key";
    const until = Math.min(secret.until, entry.expiresAt);
    return now < until ? { principal: entry.principal, until, isManaged: true } : "expired_key";
  }

  /** The key of an id, for tokens that were given to it. */
  byId(id: string, now: number): KeyInForce | null {
    const deployed = inForceForGood(this.deployed.byId(id));
    if (deployed) return deployed;
    const entry = this.managed?.get(id);
    if (!entry || now >= entry.expiresAt) return null;
    return { principal: entry.principal, until: entry.expiresAt, isManaged: true };
  }

  /** Whether it is time to read, beside the request. */
  isDue(now: number): boolean {
    return now - this.readAt >= DUE_AFTER_MS && this.mayTry(now);
  }

  /** Whether what is known is too old to go by, and can be had newer. */
  isOverdue(now: number): boolean {
    return now - this.readAt >= OVERDUE_AFTER_MS && (this.mayTry(now) || this.isReading(now));
  }

  /** Reads the managed keys, or waits for whoever does. Never rejects: what was read last stays. */
  async renew(background: Background): Promise<void> {
    const now = this.options.wallNow();
    if (this.isReading(now)) return this.untilRead();
    const reading = this.read(now);
    // Others wait for it too, so it must not be lost with a client that goes away.
    background.waitUntil(reading);
    return reading;
  }

  private mayTry(now: number): boolean {
    return now - this.triedAt >= RETRY_AFTER_MS && !this.isReading(now);
  }

  private isReading(now: number): boolean {
    return now - this.readingSince < LONGEST_READ_MS;
  }

  private async read(now: number): Promise<void> {
    const { config, wallNow, log } = this.options;
    this.readingSince = now;
    this.triedAt = now;
    try {
      const text = await withinLimit(config.get(KEYS_DOCUMENT), READ_LIMIT_MS);
      this.take(text);
      this.readAt = wallNow();
    } catch (error) {
      this.failures.value++;
      log("error", "the managed keys could not be read; those read last stay in force", {
        error: messageOf(error),
      });
    } finally {
      this.readingSince = Number.NEGATIVE_INFINITY;
    }
  }

  /** Puts a document in force; null where no key was ever made. */
  private take(text: string | null): void {
    if (this.managed !== null && text === this.text) return;
    const document: KeysDocument =
      text === null ? { revision: 0, keys: [] } : keysDocumentSchema.parse(JSON.parse(text));
    this.managed = new Map(document.keys.map((key) => [key.id, this.entryFrom(key)]));
    this.text = text;
    this.generation++;
  }

  private entryFrom({ secrets, expires_at, ...policy }: ManagedKey): Entry {
    return {
      principal: principalFrom(policy, this.limitSalt(policy.id)),
      expiresAt: expires_at ?? Number.POSITIVE_INFINITY,
      secrets: secrets.map(({ sha256, until }) => ({
        digest: Buffer.from(sha256, "hex"),
        until: until ?? Number.POSITIVE_INFINITY,
      })),
    };
  }

  private async untilRead(): Promise<void> {
    while (this.isReading(this.options.wallNow())) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }
}

function inForceForGood(principal: Principal | null): KeyInForce | null {
  return principal && { principal, until: Number.POSITIVE_INFINITY, isManaged: false };
}
