/** The public keys of an identity provider, fetched from its jwks_uri. */
import { createLocalJWKSet } from "jose";
import * as z from "zod";
import { readStream } from "./body.ts";
import { createBreaker } from "./breaker.ts";
import type { Background } from "./limit-desk.ts";
import { type Log, messageOf } from "./log.ts";
import type { Counter, Metrics } from "./metrics.ts";
import type { FindKey, TokenKeys } from "./token-keys.ts";

export interface FetchedKeysOptions {
  /** Of the issuer, for logs and metrics. */
  name: string;
  uri: string;
  fetch(uri: string, init: RequestInit): Promise<Response>;
  wallNow(): number;
  log: Log;
  metrics: Metrics;
}

/** Fetched anew beside a request. */
const DUE_AFTER_MS = 10 * 60_000;
/** Without news for so long they are trusted no more. */
const TRUSTED_FOR_MS = 24 * 60 * 60_000;
/** A token of a key that is not there makes a request wait for news, so often at most. */
const LOOK_AGAIN_AFTER_MS = 30_000;
const FETCH_LIMIT_MS = 3_000;
const LONGEST_FETCH_MS = 5_000;
const MAX_BYTES = 256 * 1024;
const BREAKER = { failuresToOpen: 2, openMs: 30_000 };
const LOOK_EVERY_MS = 5;

/** Of a set what can be used: symmetric keys and those for encryption are passed over. */
const setSchema = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).max(100) });
const ASYMMETRIC: ReadonlySet<string> = new Set(["RSA", "EC", "OKP"]);

interface KeptKeys {
  find: FindKey;
  kids: ReadonlySet<unknown>;
  fetchedAt: number;
}

export class FetchedKeys implements TokenKeys {
  private readonly options: FetchedKeysOptions;
  private readonly breaker = createBreaker(BREAKER);
  private readonly failures: Counter;
  private kept: KeptKeys | null = null;
  private triedAt = Number.NEGATIVE_INFINITY;
  private fetchingSince = Number.NEGATIVE_INFINITY;

  constructor(options: FetchedKeysOptions) {
    this.options = options;
    this.failures = options.metrics.counter(
      "access_issuer_keys_unread_total",
      "Fetches of an identity provider's keys that failed.",
      { issuer: options.name },
    );
  }

  async finder(kid: string | undefined, background: Background): Promise<FindKey | null> {
    const now = this.options.wallNow();
    const { kept } = this;
    const ageMs = kept === null ? Number.POSITIVE_INFINITY : now - kept.fetchedAt;
    const isMissing = kid !== undefined && kept !== null && !kept.kids.has(kid);
    if (ageMs >= TRUSTED_FOR_MS) await this.renew(now, background);
    else if (isMissing && now - this.triedAt >= LOOK_AGAIN_AFTER_MS)
      await this.renew(now, background);
    else if (ageMs >= DUE_AFTER_MS && !this.isFetching(now)) background.waitUntil(this.fetch(now));
    const latest = this.kept;
    return latest && now - latest.fetchedAt < TRUSTED_FOR_MS ? latest.find : null;
  }

  private isFetching(now: number): boolean {
    return now - this.fetchingSince < LONGEST_FETCH_MS;
  }

  private async renew(now: number, background: Background): Promise<void> {
    if (this.isFetching(now)) {
      while (this.isFetching(this.options.wallNow())) {
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      }
      return;
    }
    const fetching = this.fetch(now);
    background.waitUntil(fetching);
    await fetching;
  }

  /** Never rejects: the keys that were fetched last stay. */
  private async fetch(now: number): Promise<void> {
    if (!this.breaker.admits(now)) return;
    const { name, wallNow, log } = this.options;
    this.fetchingSince = now;
    this.triedAt = now;
    try {
      this.kept = { ...(await this.fetched()), fetchedAt: wallNow() };
      this.breaker.succeeded();
    } catch (error) {
      this.breaker.failed(wallNow());
      this.failures.value++;
      log("warn", "the keys of an identity provider could not be fetched", {
        issuer: name,
        error: messageOf(error),
      });
    } finally {
      this.fetchingSince = Number.NEGATIVE_INFINITY;
    }
  }

  private async fetched(): Promise<Omit<KeptKeys, "fetchedAt">> {
    const { uri, fetch } = this.options;
    const response = await fetch(uri, {
      headers: { accept: "application/jwk-set+json, application/json" },
      // Where the keys are is configured; a redirect would leave it to somebody else.
      redirect: "manual",
      signal: AbortSignal.timeout(FETCH_LIMIT_MS),
    });
    if (response.status !== 200 || !response.body) {
      await response.body?.cancel();
      throw new Error(`the answer was ${response.status}`);
    }
    const bytes = await readStream(response.body, MAX_BYTES, MAX_BYTES);
    if (!(bytes instanceof Uint8Array)) throw new Error(`more than ${MAX_BYTES} bytes`);
    const { keys } = setSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
    const usable = keys.filter(({ kty, use }) => ASYMMETRIC.has(kty) && use !== "enc");
    if (usable.length === 0) throw new Error("no key that can be used");
    return {
      find: createLocalJWKSet({ keys: usable }),
      kids: new Set(usable.map(({ kid }) => kid)),
    };
  }
}
