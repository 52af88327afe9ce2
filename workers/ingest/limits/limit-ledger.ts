/**
 * The ledger of limits: who was given how many tokens of which bucket.
 *
 * In memory alone, on purpose. A bucket nobody used for a while is full and says nothing that a new one would not, so it is
 * forgotten; and an object that was evicted was not asked for longer than the usual bucket takes to fill. An object that is
 * restarted while it is in use forgets that its buckets were in use: each can then give out its burst once more, at most.
 * Writing every block to disk would cost a row for each, to avoid that.
 */
import { DurableObject } from "cloudflare:workers";
import { LimitBucket } from "../../../contract/limit-bucket.ts";
import type { LimitAsk, LimitGrant, LimitLedgerRpc } from "../../../contract/limit-ledger.ts";

/** Buckets that are not full; beyond them the fullest are forgotten, which gives away the least. */
const MAX_BUCKETS = 5_000;
/** Full ones are looked for when the number has grown by half since, and at least to this. */
const FIRST_SWEEP = 500;

export class LimitLedgerObject extends DurableObject<IngestEnv> implements LimitLedgerRpc {
  private readonly wallNow: () => number;
  private readonly buckets = new Map<string, LimitBucket>();
  private sweepAbove = FIRST_SWEEP;

  constructor(state: DurableObjectState, env: IngestEnv, seams: { wallNow(): number }) {
    super(state, env);
    this.wallNow = seams.wallNow;
  }

  async settle(holder: string, asks: LimitAsk[]): Promise<LimitGrant[]> {
    const now = this.wallNow();
    const grants = asks.map((ask) => this.bucketOf(ask, now).settle(holder, ask, now));
    if (this.buckets.size > this.sweepAbove) this.sweep(now);
    return grants;
  }

  /** How many buckets are remembered. */
  async size(): Promise<number> {
    return this.buckets.size;
  }

  private bucketOf(ask: LimitAsk, now: number): LimitBucket {
    const known = this.buckets.get(ask.bucket);
    if (known) return known;
    const bucket = new LimitBucket(ask, now);
    this.buckets.set(ask.bucket, bucket);
    return bucket;
  }

  private sweep(now: number): void {
    for (const [name, bucket] of this.buckets) {
      if (bucket.isFull(now)) this.buckets.delete(name);
    }
    const surplus = this.buckets.size - MAX_BUCKETS;
    if (surplus > 0) {
      const fullest = [...this.buckets]
        .map(([name, bucket]) => ({ name, fullness: bucket.fullness(now) }))
        .sort((a, b) => b.fullness - a.fullness);
      // More than has to be, so that not every ask sorts them all.
      const dropped = surplus + MAX_BUCKETS / 10;
      for (const { name } of fullest.slice(0, dropped)) this.buckets.delete(name);
    }
    this.sweepAbove = Math.max(FIRST_SWEEP, Math.ceil(this.buckets.size * 1.5));
    this.sweepAbove = Math.min(this.sweepAbove, MAX_BUCKETS);
  }
}
