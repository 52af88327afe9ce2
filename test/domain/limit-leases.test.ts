import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LimitBucket } from "../../contract/limit-bucket.ts";
import { Lease, policyOf } from "../../contract/limit-lease.ts";
import type { LimitAsk, LimitGrant } from "../../contract/limit-ledger.ts";
import { requestLimit } from "../../contract/limit-policy.ts";

/** Holders of one bucket and its ledger, with answers that take a while and questions that get lost. */
class Simulation {
  now = 0;
  readonly admittedAt: number[] = [];
  private readonly bucket: LimitBucket;
  private readonly holders: Lease[];
  /** Requests that wait for the ledger, by holder. */
  private readonly waiting = new Map<Lease, number>();
  private readonly answers: { at: number; index: number; holder: Lease; grant: LimitGrant }[] = [];
  private readonly delayMs: number;

  constructor({ perMinute, burst, holders, delayMs, credit }: Setting) {
    const limit = { requestsPerMinute: perMinute, burst };
    const policy = policyOf("user", limit, "salt", credit);
    this.bucket = new LimitBucket(limit, 0);
    this.holders = Array.from({ length: holders }, () => new Lease(policy, "u"));
    this.delayMs = delayMs;
  }

  /** One request at one holder. It asks as the limiter does: when it has to, and ahead of time. */
  request(holderIndex: number, isLost = false): "taken" | "refused" | "unknown" {
    const holder = this.holderAt(holderIndex);
    const taken = holder.take(1, this.now);
    if (taken === "taken") this.admittedAt.push(this.now);
    if (taken === "unknown") this.waiting.set(holder, (this.waiting.get(holder) ?? 0) + 1);
    if (!holder.isAsking(this.now) && (taken === "unknown" || holder.isDue(this.now))) {
      this.ask(holderIndex, holder, isLost);
    }
    return taken;
  }

  /** Time goes on; answers arrive and what lies idle goes back. */
  advance(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      const next = this.answers.findIndex(({ at }) => at <= until);
      const [answer] = next < 0 ? [] : this.answers.splice(next, 1);
      if (!answer) break;
      // Each is as late as the others, so they arrive in the order in which they were sent.
      this.now = answer.at;
      this.answer(answer.index, answer.holder, answer.grant);
    }
    this.now = until;
    for (const [i, holder] of this.holders.entries()) {
      const ask = holder.giveBack(this.now);
      if (ask) this.settle(i, holder, ask, false);
    }
  }

  private settle(i: number, holder: Lease, ask: Omit<LimitAsk, "bucket">, isLost: boolean): void {
    if (isLost) {
      this.waiting.delete(holder);
      holder.failed(this.now);
      return;
    }
    const grant = this.bucket.settle(`holder-${i}`, { ...ask, bucket: "b" }, this.now);
    if (this.delayMs === 0) this.answer(i, holder, grant);
    else this.answers.push({ at: this.now + this.delayMs, index: i, holder, grant });
  }

  private ask(index: number, holder: Lease, isLost: boolean): void {
    holder.need(this.waiting.get(holder) ?? 0, this.now);
    this.settle(index, holder, holder.ask(this.now), isLost);
  }

  /** Those who waited go first; who still does not know asks again. */
  private answer(index: number, holder: Lease, grant: LimitGrant): void {
    holder.answered(grant, this.now);
    const waiting = this.waiting.get(holder) ?? 0;
    this.waiting.delete(holder);
    for (let i = 0; i < waiting; i++) {
      const taken = holder.take(1, this.now);
      if (taken === "taken") this.admittedAt.push(this.now);
      if (taken === "unknown") this.waiting.set(holder, (this.waiting.get(holder) ?? 0) + 1);
    }
    if (this.waiting.has(holder)) this.ask(index, holder, false);
  }

  private holderAt(index: number): Lease {
    const holder = this.holders[index % this.holders.length];
    if (!holder) throw new RangeError("there is no holder");
    return holder;
  }
}

interface Setting {
  perMinute: number;
  burst: number;
  holders: number;
  /** Between the ledger's answer and its arrival. */
  delayMs: number;
  credit: number;
}

/** The most that was admitted in any stretch of time, beyond what the rate gives in it. */
function worstExcess(admittedAt: readonly number[], perMinute: number): number {
  let worst = 0;
  let lowest = Number.POSITIVE_INFINITY;
  for (const [i, at] of admittedAt.entries()) {
    lowest = Math.min(lowest, i - (at * perMinute) / 60_000);
    worst = Math.max(worst, i + 1 - (at * perMinute) / 60_000 - lowest);
  }
  return worst;
}

const setting = fc.record({
  perMinute: fc.constantFrom(30, 600, 1_000, 6_000, 60_000),
  burst: fc.constantFrom(1, 5, 100, 1_000),
  holders: fc.integer({ min: 1, max: 12 }),
  delayMs: fc.constantFrom(0, 2, 40),
});
const steps = fc.array(
  fc.record({
    pauseMs: fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: 0, max: 30 }) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 8_000 }) },
    ),
    holder: fc.integer({ min: 0, max: 11 }),
    requests: fc.integer({ min: 1, max: 40 }),
    isLost: fc.boolean(),
  }),
  { minLength: 1, maxLength: 150 },
);

describe("leases of a bucket", () => {
  it("never let all holders together have more than burst + rate * time, in any stretch of time", () => {
    fc.assert(
      fc.property(setting, steps, (given, moves) => {
        const simulation = new Simulation({ ...given, credit: 0 });
        for (const { pauseMs, holder, requests, isLost } of moves) {
          simulation.advance(pauseMs);
          for (let i = 0; i < requests; i++) simulation.request(holder, isLost && i % 3 === 0);
        }
        const excess = worstExcess(simulation.admittedAt, given.perMinute);
        // What a request waits for is spent when the answer arrives.
        const underWay = (given.delayMs * given.perMinute) / 60_000;
        expect(excess).toBeLessThanOrEqual(given.burst + underWay + 1e-6);
      }),
      { numRuns: 500 },
    );
  });

  it("with credit let each holder have that much more at once, and no more in the long run", () => {
    fc.assert(
      fc.property(setting, steps, (given, moves) => {
        const simulation = new Simulation({ ...given, credit: 1 / 8 });
        for (const { pauseMs, holder, requests } of moves) {
          simulation.advance(pauseMs);
          for (let i = 0; i < requests; i++) simulation.request(holder);
        }
        const credit = given.holders * Math.floor(given.burst / 8);
        const excess = worstExcess(simulation.admittedAt, given.perMinute);
        const underWay = (given.delayMs * given.perMinute) / 60_000;
        expect(excess).toBeLessThanOrEqual(given.burst + 2 * credit + underWay + 1e-6);
      }),
      { numRuns: 500 },
    );
  });

  const crowds = [1, 2, 8, 32];
  it.each(crowds)("give %i busy holders together the whole rate and no more", (holders) => {
    for (const delayMs of [0, 2, 40]) {
      const simulation = new Simulation({
        ...{ perMinute: 1_000, burst: 100, holders, delayMs },
        credit: 1 / 8,
      });
      for (let at = 0; at < 60_000; at += 5) {
        simulation.advance(5);
        for (let i = 0; i < holders; i++) simulation.request(i);
      }
      expect(simulation.admittedAt.length).toBeGreaterThan(1_100 * 0.98);
      expect(simulation.admittedAt.length).toBeLessThan(1_100 * 1.02 + holders * 12);
      const later = simulation.admittedAt.filter((at) => at > 20_000).length;
      expect(Math.abs(later - 667)).toBeLessThan(667 * 0.03);
    }
  });

  it("never refuse who asks for less than the rate, wherever each request comes in", () => {
    const turns = fc.array(fc.integer({ min: 0, max: 7 }), { minLength: 200, maxLength: 200 });
    fc.assert(
      fc.property(turns, fc.constantFrom(0, 2, 40), (holders, delayMs) => {
        const simulation = new Simulation({
          ...{ perMinute: 600, burst: 20, holders: 8, delayMs },
          credit: 0,
        });
        for (const holder of holders) {
          const before = simulation.admittedAt.length;
          let outcome = simulation.request(holder);
          if (outcome === "unknown") {
            // It waits: for what is asked already, then for what it asks itself.
            simulation.advance(delayMs);
            simulation.advance(delayMs);
            outcome = simulation.admittedAt.length > before ? "taken" : "refused";
          }
          expect(outcome).toBe("taken");
          simulation.advance(130);
        }
      }),
      { numRuns: 100 },
    );
  });

  it("end by themselves, and what was given back is there for others", () => {
    const limit = requestLimit(60, 100);
    const bucket = new LimitBucket(limit, 0);
    const ask = { ...limit, bucket: "b", held: 0, returned: 0, spent: 0, needed: 0, ahead: 0 };
    expect(bucket.settle("a", { ...ask, ahead: 80 }, 0)).toMatchObject({ granted: 50, level: 50 });
    expect(bucket.settle("a", { ...ask, returned: 50 }, 100)).toMatchObject({ level: 100 });
    expect(bucket.settle("a", { ...ask, ahead: 80 }, 200)).toMatchObject({ granted: 50 });
    // Never heard of again: counted as spent, and filled up at the rate from then on.
    expect(bucket.settle("b", { ...ask, needed: 100 }, 10_200)).toMatchObject({ granted: 57 });
  });
});
