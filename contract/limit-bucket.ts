/**
 * A token bucket that is handed out in blocks: the ledger's side of the arithmetic.
 *
 * What it holds and what it leased out never exceed `burst` together, whoever has how much. So all holders together can spend
 * no more than burst + rate * time in any stretch of time, however late they spend.
 */
import { LEASE_MS, type LimitAsk, type LimitGrant } from "./limit-ledger.ts";

interface Outstanding {
  holder: string;
  tokens: number;
  endsAt: number;
}

/** Leases for what may come are kept to this share of a bucket, so that it can refill while they are out. */
const LEASED_SHARE = 1 / 2;

export class LimitBucket {
  private tokens: number;
  private filledAt: number;
  private burst: number;
  private perMs: number;
  /** One a holder that asked lately, with or without tokens; the oldest ends first. */
  private leases: Outstanding[] = [];

  /** Full. `now` in milliseconds, as everywhere here. */
  constructor(
    { requestsPerMinute, burst }: Pick<LimitAsk, "requestsPerMinute" | "burst">,
    now: number,
  ) {
    this.tokens = burst;
    this.burst = burst;
    this.perMs = requestsPerMinute / 60_000;
    this.filledAt = now;
  }

  /** Takes back, takes off and hands out, as a holder asks. */
  settle(holder: string, ask: LimitAsk, now: number): LimitGrant {
    this.burst = ask.burst;
    this.perMs = ask.requestsPerMinute / 60_000;
    const own = this.leases.find((lease) => lease.holder === holder);
    this.refill(now);
    // Of a lease that ended, everything counts as spent: nobody knows better.
    const valid = own && own.endsAt > now ? own.tokens : 0;
    this.leases = this.leases.filter((lease) => lease !== own);
    this.tokens += Math.min(ask.held + ask.returned, valid) - ask.spent;
    const kept = Math.min(ask.held, valid);
    const needed = Math.min(ask.needed, this.spare(kept));
    this.tokens -= needed;
    const leased = this.leaseFor(kept, ask.ahead);
    this.tokens -= leased;
    if (ask.held + ask.needed + ask.ahead > 0) {
      this.leases.push({ holder, tokens: leased, endsAt: now + LEASE_MS });
    }
    return { granted: needed + leased, level: Math.floor(this.tokens), waitMs: this.waitMs(now) };
  }

  /** True when nothing tells it from a new one. */
  isFull(now: number): boolean {
    this.refill(now);
    return this.leases.length === 0 && this.tokens >= this.burst;
  }

  /** How full it is; 1 is full. */
  fullness(now: number): number {
    this.refill(now);
    return this.tokens / this.burst;
  }

  private refill(now: number): void {
    for (;;) {
      const ended = this.leases.find(({ endsAt }) => endsAt <= now);
      this.fillUpTo(ended?.endsAt ?? now);
      if (!ended) return;
      this.leases = this.leases.filter((lease) => lease !== ended);
    }
  }

  private fillUpTo(at: number): void {
    const elapsedMs = Math.max(0, at - this.filledAt);
    // While a lease is out its tokens may be unspent, so they count as if they were here.
    const room = this.burst - this.leasedTokens();
    this.tokens = Math.min(room, this.tokens + elapsedMs * this.perMs);
    this.filledAt += elapsedMs;
  }

  /** Whole tokens beyond those that are kept for their holder. */
  private spare(kept: number): number {
    return Math.max(0, Math.floor(this.tokens - kept));
  }

  /** What was held stays leased, for its holder goes on spending it; beyond that, a fair share. */
  private leaseFor(kept: number, ahead: number): number {
    const holders = this.leases.length + 1;
    const share = kept + Math.floor(this.spare(kept) / holders);
    const room = Math.floor(this.burst * LEASED_SHARE) - this.leasedTokens();
    return Math.max(kept, Math.min(ahead, share, room));
  }

  private leasedTokens(): number {
    let sum = 0;
    for (const { tokens } of this.leases) sum += tokens;
    return sum;
  }

  private waitMs(now: number): number {
    if (this.tokens >= 1) return 0;
    const refillMs = Math.ceil((1 - this.tokens) / this.perMs);
    if (this.burst - this.leasedTokens() >= 1) return refillMs;
    // Everything is leased out, and refills once a lease ends.
    return Math.max(refillMs, Math.min(...this.leases.map(({ endsAt }) => endsAt)) - now);
  }
}
