/**
 * The limits of everything an isolate serves.
 *
 * The usual request is decided from memory: no call, no promise, no garbage. Only a bucket this isolate knows nothing of, or has
 * used up, makes a request wait for the ledger; and a ledger that does not answer makes nobody wait twice.
 */
import type { Principal } from "./access.ts";
import { type Background, type DeskOptions, LimitDesk } from "./limit-desk.ts";
import { type Lease, policyOf } from "./limit-lease.ts";
import { networkOf } from "./limit-names.ts";
import {
  type KeyLimits,
  POLICY_KINDS,
  type PolicyKind,
  type RequestLimit,
} from "./limit-policy.ts";
import { type LimitRefusal, refusalOf, type Verdict } from "./limit-refusal.ts";
import { LimitSession } from "./limit-session.ts";
import { LeaseTable } from "./limit-table.ts";
import type { Counter } from "./metrics.ts";
import { createRateLimiter, type TakeTokens } from "./rate-limit.ts";
import { RecentMap } from "./recent-map.ts";

export interface LimiterOptions extends Omit<DeskOptions, "now"> {
  /** What is limited here; each service counts for itself, but for the global ceiling. */
  service: "pricing" | "ingest" | "aggregator";
  globalLimit: RequestLimit | null;
  wallNow(): number;
  /** What may be spent before the ledger is asked, of a burst. */
  creditShare?: number;
}

/** The leases of one key. */
interface KeyLeases {
  /** What they were made for: a key can come back with other limits. */
  of: KeyLimits;
  /** Those of every request: the key's own and the global one. */
  always: readonly Lease[];
  user: LeaseTable | null;
  ip: LeaseTable | null;
  region: LeaseTable | null;
}

const GLOBAL_SALT = "global";
/** Asks for one request at most; who got nothing by then comes again. */
const MAX_ROUNDS = 3;

export class Limiter {
  private readonly options: LimiterOptions;
  private readonly desk: LimitDesk;
  private readonly bornAt: number;
  private readonly takeAlone: TakeTokens = createRateLimiter();
  private readonly global: readonly Lease[];
  private readonly keys = new RecentMap<KeyLeases>();
  private readonly refused: Record<PolicyKind, Counter>;

  constructor(options: LimiterOptions) {
    this.options = options;
    this.bornAt = options.wallNow();
    this.desk = new LimitDesk({ ...options, now: () => this.now() });
    const { globalLimit } = options;
    this.global = globalLimit ? [this.table("global", globalLimit, GLOBAL_SALT).of("")] : [];
    const refused = (policy: PolicyKind) =>
      options.metrics.counter(
        "limits_refused_total",
        "Requests, and events and prices of requests, that a limit kept out.",
        { policy },
      );
    this.refused = Object.fromEntries(POLICY_KINDS.map((kind) => [kind, refused(kind)])) as Record<
      PolicyKind,
      Counter
    >;
  }

  /** Whether a request with these headers may go on, as far as they tell: its key, its address, the service. */
  admit(
    principal: Principal,
    headers: Headers,
    background: Background,
  ): LimitRefusal | "allowed" | Promise<LimitRefusal | "allowed"> {
    if (!principal.isLimited) return "allowed";
    const { always, ip } = this.leasesOf(principal);
    return this.decide(ip ? [...always, ip.of(networkOf(headers))] : always, background);
  }

  /** Whether its user and its region may have one more. */
  charge(
    principal: Principal,
    userId: string | undefined,
    regionId: string | undefined,
    background: Background,
  ): LimitRefusal | "allowed" | Promise<LimitRefusal | "allowed"> {
    if (!principal.isLimited) return "allowed";
    const { user, region } = this.leasesOf(principal);
    if (user === null && region === null) return "allowed";
    const leases: Lease[] = [];
    if (user && userId !== undefined) leases.push(user.of(userId));
    if (region && regionId !== undefined) leases.push(region.of(regionId));
    return this.decide(leases, background);
  }

  /** For a request whose parts are charged one by one; null when its key has no policy for parts. */
  session(principal: Principal | null, headers: Headers): LimitSession | null {
    if (!principal?.isLimited) return null;
    const { user, ip, region } = this.leasesOf(principal);
    if (user === null && ip === null && region === null) return null;
    const address = ip === null ? null : ip.of(networkOf(headers));
    return new LimitSession(this, { user, region, ip: address });
  }

  /** Takes one token of each lease, or none at all. */
  tryAll(leases: readonly Lease[]): Verdict {
    const now = this.now();
    for (const lease of leases) {
      let taken = lease.take(1, now);
      let retryAfterS = 0;
      if (taken === "unknown" && lease.isAlone(now)) {
        const { kind, salt, limit } = lease.policy;
        const allowance = this.takeAlone(`${kind} ${salt} ${lease.id}`, limit, now);
        if (allowance.allowed) continue;
        taken = "refused";
        retryAfterS = allowance.retryAfterS;
      }
      if (taken === "taken") continue;
      for (const other of leases) {
        if (other === lease) break;
        if (!other.isAlone(now)) other.refund(1);
      }
      if (taken === "unknown") return taken;
      return refusalOf(lease, retryAfterS || lease.retryAfterS(now));
    }
    return "allowed";
  }

  /** Asks for what is due, beside the request. */
  renew(leases: Iterable<Lease>, background: Background): void {
    const now = this.now();
    for (const lease of leases) if (lease.isDue(now)) this.desk.askSoon(lease, background);
  }

  /** Waits until the ledger said what these leases need. */
  provide(leases: readonly Lease[], background: Background): Promise<void> {
    return this.desk.provide(leases, background);
  }

  /** Counts what was kept out. */
  count(refusal: LimitRefusal, times = 1): void {
    this.refused[refusal.kind].value += times;
  }

  /** Milliseconds since this limiter was made: small numbers. */
  now(): number {
    return this.options.wallNow() - this.bornAt;
  }

  private decide(
    leases: readonly Lease[],
    background: Background,
  ): LimitRefusal | "allowed" | Promise<LimitRefusal | "allowed"> {
    const verdict = this.tryAll(leases);
    if (verdict === "unknown") return this.wait(leases, background);
    if (verdict === "allowed") this.renew(leases, background);
    else this.count(verdict);
    return verdict;
  }

  private async wait(
    leases: readonly Lease[],
    background: Background,
  ): Promise<LimitRefusal | "allowed"> {
    /** How often each lease had been asked for when this request noted its need: once is enough until the next ask. */
    const noted = new Map<Lease, number>();
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const now = this.now();
      const short = leases.filter((lease) => !lease.has(1, now));
      for (const lease of short) {
        if (noted.get(lease) !== lease.asks) lease.need(1, now);
        noted.set(lease, lease.asks);
      }
      await this.provide(short, background);
      const verdict = this.tryAll(leases);
      if (verdict === "unknown") continue;
      if (verdict !== "allowed") this.count(verdict);
      return verdict;
    }
    const now = this.now();
    const lease = leases.find((one) => !one.has(1, now)) ?? leases[0];
    if (!lease) return "allowed";
    const refusal = refusalOf(lease, 1);
    this.count(refusal);
    return refusal;
  }

  private leasesOf(principal: Principal): KeyLeases {
    const { keyId, limits, limitSalt } = principal;
    const known = this.keys.get(keyId);
    if (known && known.of === limits) return known;
    const table = (kind: "key" | "user" | "ip" | "region") => {
      const limit = limits[kind];
      return limit && this.table(kind, limit, `${this.options.service} ${limitSalt}`);
    };
    const key = table("key");
    const leases: KeyLeases = {
      of: limits,
      always: key ? [key.of(""), ...this.global] : this.global,
      user: table("user"),
      ip: table("ip"),
      region: table("region"),
    };
    this.keys.set(keyId, leases);
    return leases;
  }

  private table(kind: PolicyKind, limit: RequestLimit, salt: string): LeaseTable {
    const { ledger, creditShare } = this.options;
    return new LeaseTable(policyOf(kind, limit, salt, ledger === null ? 0 : creditShare));
  }
}
