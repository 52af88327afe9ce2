/**
 * Where an isolate asks the ledger for leases and gives them back.
 *
 * Every question belongs to the request that put it; who finds one under way looks now and then whether it was answered, for
 * the runtime drops promises with their request. What is asked of one ledger object goes in one call.
 */

import type { Lease } from "./limit-lease.ts";
import type { LimitAsk, LimitGrant, LimitLedgerRpc } from "./limit-ledger.ts";
import { type BucketName, bucketNameOf } from "./limit-names.ts";
import { POLICY_KINDS, type PolicyKind } from "./limit-policy.ts";
import { type Log, messageOf } from "./log.ts";
import type { Counter, Metrics } from "./metrics.ts";
import { withinLimit } from "./within-limit.ts";

/** Keeps work going that no answer waits for. */
export interface Background {
  waitUntil(work: Promise<unknown>): void;
}

/** How the ledger is reached. */
export interface LedgerAccess {
  of(object: string): LimitLedgerRpc;
  /** Names this isolate; called once there is a request. */
  newHolder(): string;
  log: Log;
}

export interface DeskOptions {
  /** Null where there is none: each isolate then counts for itself. */
  ledger: LedgerAccess | null;
  /** Milliseconds from the limiter's zero. */
  now(): number;
  metrics: Metrics;
}

const ANSWER_LIMIT_MS = 1_000;
/** An object that failed is left alone for so long. */
const ALONE_MS = 2_000;
const LOOK_EVERY_MS = 5;
/** What is due within this is asked for together. */
const GATHER_MS = 20;
/** A round of asking that takes longer was lost with its request. */
const LONGEST_GATHER_MS = 2_000;
const TIDY_EVERY_MS = 500;
/** The runtime ends what goes on half a minute after an answer; the next question starts another round. */
const MAX_TIDY_ROUNDS = 40;

interface Question {
  lease: Lease;
  ask: Omit<LimitAsk, "bucket">;
}

export class LimitDesk {
  private readonly options: DeskOptions;
  private holder: string | null = null;
  /** Leases with tokens that may have to go back. */
  private readonly holding = new Set<Lease>();
  /** When the round of giving back began that is under way. */
  private tidyFrom: number | null = null;
  private readonly due = new Set<Lease>();
  private gatherFrom: number | null = null;
  private readonly failingUntil = new Map<string, number>();
  private readonly granted: Record<PolicyKind, Counter>;
  private readonly failures: Counter;

  constructor(options: DeskOptions) {
    this.options = options;
    const leases = (policy: PolicyKind) =>
      options.metrics.counter("limits_leases_total", "Blocks of tokens taken from the ledger.", {
        policy,
      });
    this.granted = Object.fromEntries(POLICY_KINDS.map((kind) => [kind, leases(kind)])) as Record<
      PolicyKind,
      Counter
    >;
    this.failures = options.metrics.counter(
      "limits_ledger_failures_total",
      "Questions that the ledger of limits did not answer.",
    );
  }

  /** Asks for each lease that nobody asks for already, and waits for those that somebody does. Never rejects. */
  async provide(leases: readonly Lease[], background: Background): Promise<void> {
    const now = this.options.now();
    const others = leases.filter((lease) => lease.isAsking(now));
    const own = leases.filter((lease) => !lease.isAsking(now));
    const asking = this.ask(own, background);
    // Others wait for the answer too, so it must not be lost with a client that goes away.
    if (own.length > 0) background.waitUntil(asking);
    await Promise.all([asking, this.untilAnswered(others)]);
  }

  /** Asks for more of a lease, soon, beside the request, with what else is due by then. */
  askSoon(lease: Lease, background: Background): void {
    this.due.add(lease);
    const now = this.options.now();
    if (this.gatherFrom !== null && now - this.gatherFrom < LONGEST_GATHER_MS) return;
    this.gatherFrom = now;
    background.waitUntil(this.askForDue(background));
  }

  private async askForDue(background: Background): Promise<void> {
    await sleep(GATHER_MS);
    const now = this.options.now();
    const leases = [...this.due].filter((lease) => lease.isDue(now));
    this.due.clear();
    this.gatherFrom = null;
    await this.ask(leases, background);
  }

  /** Asks for more of each lease. Never rejects: without an answer the isolate counts for itself. */
  private async ask(leases: readonly Lease[], background: Background): Promise<void> {
    const now = this.options.now();
    await this.tell(leases.map((lease) => ({ lease, ask: lease.ask(now) })));
    if (this.holding.size === 0 || this.isTidying()) return;
    this.tidyFrom = this.options.now();
    background.waitUntil(this.tidy());
  }

  private isTidying(): boolean {
    const longestMs = (MAX_TIDY_ROUNDS + 2) * TIDY_EVERY_MS;
    return this.tidyFrom !== null && this.options.now() - this.tidyFrom < longestMs;
  }

  /** Gives back what lies idle, until nothing is held. */
  private async tidy(): Promise<void> {
    for (let round = 0; round < MAX_TIDY_ROUNDS && this.holding.size > 0; round++) {
      await sleep(TIDY_EVERY_MS);
      const now = this.options.now();
      const idle: Question[] = [];
      for (const lease of this.holding) {
        const ask = lease.giveBack(now);
        if (ask) idle.push({ lease, ask });
        if (!lease.isHolding(now)) this.holding.delete(lease);
      }
      await this.tell(idle);
    }
    this.tidyFrom = null;
  }

  private async tell(questions: readonly Question[]): Promise<void> {
    const byObject = new Map<string, Question[]>();
    for (const question of questions) {
      const { object } = nameOf(question.lease);
      const group = byObject.get(object);
      if (group) group.push(question);
      else byObject.set(object, [question]);
    }
    await Promise.all([...byObject].map(([object, group]) => this.tellObject(object, group)));
  }

  private async tellObject(object: string, group: readonly Question[]): Promise<void> {
    const { now } = this.options;
    const asks = group.map(({ lease, ask }) => ({ ...ask, bucket: nameOf(lease).bucket }));
    const grants = await this.answerOf(object, asks);
    for (const [i, { lease }] of group.entries()) {
      const grant = grants?.[i];
      if (!grant) {
        lease.failed(now() + ALONE_MS);
        continue;
      }
      lease.answered(grant, now());
      if (grant.granted === 0) continue;
      this.granted[lease.policy.kind].value++;
      if (lease.isHolding(now())) this.holding.add(lease);
    }
  }

  /** The object's answers, or null when there are none. */
  private async answerOf(object: string, asks: LimitAsk[]): Promise<LimitGrant[] | null> {
    const { ledger, now } = this.options;
    if (ledger === null || now() < (this.failingUntil.get(object) ?? 0)) return null;
    this.holder ??= ledger.newHolder();
    try {
      const grants = await withinLimit(
        ledger.of(object).settle(this.holder, asks),
        ANSWER_LIMIT_MS,
      );
      this.failingUntil.delete(object);
      return grants;
    } catch (error) {
      this.failures.value++;
      this.failingUntil.set(object, now() + ALONE_MS);
      const fields = { object, error: messageOf(error) };
      ledger.log("warn", "the ledger of limits did not answer", fields);
      return null;
    }
  }

  private async untilAnswered(leases: readonly Lease[]): Promise<void> {
    for (let waitedMs = 0; waitedMs < ANSWER_LIMIT_MS; waitedMs += LOOK_EVERY_MS) {
      const now = this.options.now();
      if (leases.every((lease) => !lease.isAsking(now))) return;
      await sleep(LOOK_EVERY_MS);
    }
  }
}

/** Hashed once, when the lease is first asked about. */
function nameOf(lease: Lease): BucketName {
  const { kind, salt } = lease.policy;
  lease.name ??= bucketNameOf(kind, salt, lease.id);
  return lease.name;
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
