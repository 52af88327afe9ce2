/**
 * The limits of one request with many parts, events or prices, each of which costs its user, its region and its address a token.
 *
 * A pass over the parts takes tokens without waiting. When it comes upon buckets that the ledger has to be asked about, it counts
 * for nothing: `provide` asks for all of them at once, and a second pass decides.
 *
 *     let result = pass(session);
 *     if (session.isShort) { await session.provide(background); result = pass(session); }
 *     session.finish(background);
 */
import type { Background } from "./limit-desk.ts";
import type { Lease } from "./limit-lease.ts";
import { type LimitRefusal, refusalOf } from "./limit-refusal.ts";
import type { LeaseTable } from "./limit-table.ts";
import type { Limiter } from "./limiter.ts";

export interface PartPolicies {
  user: LeaseTable | null;
  region: LeaseTable | null;
  /** The request itself paid the address's token for the first part. */
  ip: Lease | null;
}

export class LimitSession {
  private readonly limiter: Limiter;
  private readonly policies: PartPolicies;
  private isLast = false;
  private isFirstPart = true;
  /** Tokens taken, and tokens that were not to be had without asking, by lease. */
  private readonly taken = new Map<Lease, number>();
  private readonly missing = new Map<Lease, number>();
  private refusals: LimitRefusal[] = [];

  constructor(limiter: Limiter, policies: PartPolicies) {
    this.limiter = limiter;
    this.policies = policies;
  }

  /** True when the pass came upon buckets that have to be asked about. */
  get isShort(): boolean {
    return this.missing.size > 0;
  }

  /** The last refusal of the pass, or null when there was none. */
  get refusal(): LimitRefusal | null {
    return this.refusals.at(-1) ?? null;
  }

  /** Takes the tokens of one part, or says what keeps it out. */
  take(userId: string | undefined, regionId: string): LimitRefusal | null {
    const { user, region, ip } = this.policies;
    const leases: Lease[] = [];
    if (user && userId !== undefined) leases.push(user.of(userId));
    if (region) leases.push(region.of(regionId));
    if (ip && !this.isFirstPart) leases.push(ip);
    const verdict = this.limiter.tryAll(leases);
    if (verdict === "unknown" && this.isLast) return this.refuse(leases);
    if (verdict === "unknown") {
      this.takeWhatThereIs(leases);
    } else if (verdict === "allowed") {
      for (const lease of leases) add(this.taken, lease);
    } else {
      this.refusals.push(verdict);
      return verdict;
    }
    this.isFirstPart = false;
    return null;
  }

  /** Undoes the pass and gets what it lacked, as far as it is to be had. */
  async provide(background: Background): Promise<void> {
    const needs = Array.from(this.missing, ([lease, tokens]) => {
      return { lease, tokens: tokens + (this.taken.get(lease) ?? 0) };
    });
    this.undo();
    const now = this.limiter.now();
    for (const { lease, tokens } of needs) lease.need(tokens, now);
    this.isLast = true;
    const short = needs.map(({ lease }) => lease);
    await this.limiter.provide(short, background);
  }

  /** Gives back what the pass took, as if it had not been: another one, or none, follows. */
  undo(): void {
    const now = this.limiter.now();
    for (const [lease, tokens] of this.taken) if (!lease.isAlone(now)) lease.refund(tokens);
    this.missing.clear();
    this.taken.clear();
    this.refusals = [];
    this.isFirstPart = true;
  }

  /** After the pass that counts. */
  finish(background: Background): void {
    for (const refusal of this.refusals) this.limiter.count(refusal);
    this.limiter.renew(this.taken.keys(), background);
  }

  private refuse(leases: readonly Lease[]): LimitRefusal | null {
    const now = this.limiter.now();
    const lease = leases.find((one) => !one.has(1, now));
    if (!lease) return null;
    const refusal = refusalOf(lease, lease.retryAfterS(now));
    this.refusals.push(refusal);
    return refusal;
  }

  /** Notes of each lease whether it had a token for a part that has to wait for another's. */
  private takeWhatThereIs(leases: readonly Lease[]): void {
    const now = this.limiter.now();
    for (const lease of leases) {
      add(lease.take(1, now) === "taken" ? this.taken : this.missing, lease);
    }
  }
}

function add(counts: Map<Lease, number>, lease: Lease): void {
  counts.set(lease, (counts.get(lease) ?? 0) + 1);
}
