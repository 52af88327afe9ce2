/**
 * What an isolate knows of one bucket: the holder's side of the arithmetic.
 *
 * Three ways to answer without asking anybody: from a lease; on a small credit while the bucket was last seen at least half
 * full; with a refusal while it is known to be empty. Credit is debt: it is told, and the ledger takes it off before anybody gets
 * more. Whoever asks for little stays on credit; a lease is for those who would use it up.
 *
 * Times are whole milliseconds from any zero near by: small integers, which the engine keeps in the object itself.
 */
import { LEASE_MS, type LimitAsk, type LimitGrant } from "./limit-ledger.ts";
import type { BucketName } from "./limit-names.ts";
import type { PolicyKind, RequestLimit } from "./limit-policy.ts";

/** Four isolates on credit are within what a half-full bucket has. */
const CREDIT_SHARE = 1 / 8;
/** A lease is for what is expected within this. */
const AHEAD_MS = 1_000;
/** An empty bucket is not asked about more often than this. */
const REFUSED_MS = 200;
/** A lease that nobody touched for so long goes back. */
const IDLE_MS = 500;
/** A question that is not answered by then is lost. */
const LONGEST_ASK_MS = 1_500;
const NOT_ASKED = -1;

/** What all buckets of one policy have in common. */
export interface Policy {
  kind: PolicyKind;
  limit: RequestLimit;
  /** Under which the names of its buckets are hashed. */
  salt: string;
  /** What a holder may spend before it asks. */
  credit: number;
}

/** `share` of the burst is given on credit; 0 makes every first request wait for the ledger. */
export function policyOf(
  kind: PolicyKind,
  limit: RequestLimit,
  salt: string,
  share = CREDIT_SHARE,
): Policy {
  return { kind, limit, salt, credit: Math.floor(limit.burst * share) };
}

/** `unknown` until the ledger was asked. */
export type Taken = "taken" | "refused" | "unknown";

export class Lease {
  readonly policy: Policy;
  /** Whose bucket it is. Never leaves the isolate as it is. */
  readonly id: string;
  /** Its name at the ledger, once somebody asked. */
  name: BucketName | null = null;
  /** How often it was asked for. */
  asks = 0;
  /** Below zero: spent on credit and not told yet. */
  private tokens = 0;
  private endsAt = 0;
  private refusedUntil = 0;
  private creditFrom = 0;
  private askBelow: number;
  private nextAskAt = 0;
  private askedAt = NOT_ASKED;
  private tokensAtAsk = 0;
  private demand = 0;
  private demandFrom = 0;
  private lastAhead = 0;
  private needed = 0;
  private takenAt = 0;
  private aloneUntil = 0;

  constructor(policy: Policy, id: string) {
    this.policy = policy;
    this.id = id;
    this.askBelow = creditToTell(policy);
  }

  /** Takes `cost` tokens if they are to be had at once. */
  take(cost: number, now: number): Taken {
    if (this.tokens > 0 && now >= this.endsAt) this.lapse();
    if (now - this.takenAt > 2 * AHEAD_MS) this.forgetDemand(now);
    this.demand += cost;
    this.takenAt = now;
    const left = this.tokens - cost;
    if (left >= (now >= this.creditFrom ? -this.policy.credit : 0)) {
      this.tokens = left;
      return "taken";
    }
    return now < this.refusedUntil ? "refused" : "unknown";
  }

  /** True when `cost` tokens are to be had at once. */
  has(cost: number, now: number): boolean {
    const tokens = now >= this.endsAt ? Math.min(0, this.tokens) : this.tokens;
    return tokens - cost >= (now >= this.creditFrom ? -this.policy.credit : 0);
  }

  /** Puts back what was taken for a request that was then refused for another reason. */
  refund(cost: number): void {
    this.tokens += cost;
    this.demand -= cost;
  }

  /** True when it is time for the next block. */
  isDue(now: number): boolean {
    return this.tokens <= this.askBelow && now >= this.nextAskAt && !this.isAsking(now);
  }

  isAsking(now: number): boolean {
    return this.askedAt !== NOT_ASKED && now - this.askedAt < LONGEST_ASK_MS;
  }

  /** Notes that a request waits for so many tokens; the next ask asks for those that are not here. */
  need(tokens: number, now: number): void {
    this.needed += this.isHolding(now) ? Math.max(0, tokens - this.tokens) : tokens;
  }

  /** Begins to ask. */
  ask(now: number): Omit<LimitAsk, "bucket"> {
    if (this.tokens > 0 && now >= this.endsAt) this.lapse();
    const { requestsPerMinute, burst } = this.policy.limit;
    const ahead = this.expected(now);
    const { needed } = this;
    this.tokensAtAsk = this.tokens;
    this.lastAhead = ahead;
    this.demand = 0;
    this.demandFrom = now;
    this.askedAt = now;
    this.asks++;
    this.needed = 0;
    return {
      ...{ requestsPerMinute, burst, returned: 0, needed, ahead },
      held: Math.max(0, this.tokens),
      spent: Math.max(0, -this.tokens),
    };
  }

  /** Begins to give back what nobody used for a while, or null when there is nothing to give back. */
  giveBack(now: number): Omit<LimitAsk, "bucket"> | null {
    if (!this.isHolding(now) || this.isAsking(now) || now - this.takenAt < IDLE_MS) return null;
    const returned = this.tokens;
    const { requestsPerMinute, burst } = this.policy.limit;
    this.tokens = 0;
    this.tokensAtAsk = 0;
    this.askedAt = now;
    return { requestsPerMinute, burst, held: 0, returned, spent: 0, needed: 0, ahead: 0 };
  }

  isHolding(now: number): boolean {
    return this.tokens > 0 && now < this.endsAt;
  }

  /** The ledger answered what was asked last. */
  answered({ granted, level, waitMs }: LimitGrant, now: number): void {
    const takenMeanwhile = this.tokensAtAsk - this.tokens;
    this.tokens = granted - takenMeanwhile;
    this.endsAt = this.askedAt + LEASE_MS;
    this.askedAt = NOT_ASKED;
    this.aloneUntil = 0;
    const { burst } = this.policy.limit;
    const missing = Math.floor(burst / 2) - level;
    this.creditFrom = missing > 0 ? now + this.refillMs(missing) : 0;
    this.nextAskAt = missing > 0 ? now + REFUSED_MS : 0;
    this.refusedUntil = waitMs > 0 ? now + Math.max(REFUSED_MS, Math.ceil(waitMs)) : 0;
    this.askBelow = this.tokens > 0 ? this.tokens >> 1 : creditToTell(this.policy);
  }

  /** The ledger did not answer: until `until` the isolate counts for itself. */
  failed(until: number): void {
    this.askedAt = NOT_ASKED;
    this.aloneUntil = until;
    this.nextAskAt = until;
  }

  isAlone(now: number): boolean {
    return now < this.aloneUntil;
  }

  /** Whole seconds until it makes sense to come again. */
  retryAfterS(now: number): number {
    return Math.max(1, Math.ceil((this.refusedUntil - now) / 1_000));
  }

  /** Whole seconds until a bucket with nothing in it is full. */
  get fillS(): number {
    return Math.ceil(this.refillMs(this.policy.limit.burst) / 1_000);
  }

  /** Tokens for what is to be expected; none where credit does. */
  private expected(now: number): number {
    const demand = (this.demand * AHEAD_MS) / Math.max(1, now - this.demandFrom);
    // Twice as much as before at most, for a first glance is short.
    const tokens = Math.ceil(Math.min(demand, 2 * Math.max(this.demand, this.lastAhead)));
    return tokens <= this.policy.credit && now >= this.creditFrom ? 0 : tokens;
  }

  private refillMs(tokens: number): number {
    return Math.ceil((tokens * 60_000) / this.policy.limit.requestsPerMinute);
  }

  /** The lease is over: what is left of it is not ours any more. */
  private lapse(): void {
    this.tokensAtAsk -= this.tokens;
    this.tokens = 0;
    this.askBelow = creditToTell(this.policy);
  }

  private forgetDemand(now: number): void {
    this.demand = 0;
    this.demandFrom = now;
    this.lastAhead = 0;
  }
}

/** Where a debt is told: while there is a quarter of the credit left to go on with. */
function creditToTell({ credit }: Policy): number {
  return (credit >> 2) - credit;
}
