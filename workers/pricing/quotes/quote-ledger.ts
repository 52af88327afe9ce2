/**
 * Who redeemed which quote.
 *
 * A quote is redeemed by a row that has its id, so by one key, whatever comes at once, whatever is evicted or killed. The row stays
 * until the quote has been over for a while and the audit in D1 has it; the object itself is the queue on the way there, for
 * only what it keeps is known to be kept.
 */
import { DurableObject } from "cloudflare:workers";
import { type Log, messageOf } from "../../../contract/log.ts";
import type {
  QuoteLedgerRpc,
  RedeemOutcome,
  RedemptionAsk,
} from "../../../contract/quote-ledger.ts";
import { MINUTE_MS, SECOND_MS } from "../../../domain/units.ts";
import { type RedemptionRecord, RedemptionRows, type StoredRedemption } from "./redemption-rows.ts";

/** Redemptions that come within this time share a write to D1. */
const RECORD_AFTER_MS = SECOND_MS;
const RECORDS_PER_WRITE = 500;
/** No alarm works on for ever: another one comes. */
const ROUNDS_PER_ALARM = 20;
const FORGET_AT_ONCE = 1_000;
/** Some 100 MB; at 500 redemptions a second what D1 misses in a few minutes, and then redeeming stops before the audit has holes. */
const MAX_UNRECORDED = 200_000;
const LAST_RETRY_MS = MINUTE_MS;

export interface QuoteLedgerSeams {
  /** Writes to the audit, all of it or it rejects; what is there already stays as it is. */
  record(redemptions: readonly RedemptionRecord[]): Promise<void>;
  wallNow(): number;
  log: Log;
  maxUnrecorded?: number;
}

export class QuoteLedgerObject extends DurableObject<PricingEnv> implements QuoteLedgerRpc {
  private readonly seams: QuoteLedgerSeams;
  private readonly rows: RedemptionRows;
  private alarmIsSet = false;
  private failures = 0;

  constructor(state: DurableObjectState, env: PricingEnv, seams: QuoteLedgerSeams) {
    super(state, env);
    this.seams = seams;
    this.rows = new RedemptionRows(state.storage.sql);
  }

  async redeem(ask: RedemptionAsk): Promise<RedeemOutcome> {
    const now = this.seams.wallNow();
    const known = this.rows.find(ask.quoteId);
    if (known) return repeatedOutcome(known, ask);
    if (now > ask.redeemableUntil) return { kind: "expired" };
    if (this.rows.unrecorded >= (this.seams.maxUnrecorded ?? MAX_UNRECORDED))
      return { kind: "full" };
    // Nothing is awaited between the row and its alarm, so there is never one without the other.
    this.rows.add(ask, now);
    if (!this.alarmIsSet) {
      this.alarmIsSet = true;
      await this.ctx.storage.setAlarm(now + RECORD_AFTER_MS);
    }
    const { quantity, orderReference } = ask;
    return {
      kind: "redeemed",
      repeated: false,
      terms: { redeemedAt: now, quantity, orderReference },
    };
  }

  override async alarm(): Promise<void> {
    this.alarmIsSet = false;
    await this.record();
    const now = this.seams.wallNow();
    const nextAt = this.forget(now);
    const recordAt = this.rows.unrecorded > 0 ? now + this.recordAfterMs() : null;
    const at = Math.min(nextAt ?? Number.POSITIVE_INFINITY, recordAt ?? Number.POSITIVE_INFINITY);
    // An alarm that only forgets is far away: the next redemption sets one of its own.
    this.alarmIsSet = recordAt !== null;
    if (Number.isFinite(at)) await this.ctx.storage.setAlarm(at);
  }

  /** Writes to the audit what it does not have yet, unless it does not take it. */
  private async record(): Promise<void> {
    for (let round = 0; round < ROUNDS_PER_ALARM && this.rows.unrecorded > 0; round++) {
      const { records, upTo } = this.rows.nextUnrecorded(RECORDS_PER_WRITE);
      try {
        await this.seams.record(records);
      } catch (error) {
        this.failures++;
        const unrecorded = this.rows.unrecorded;
        this.seams.log("warn", "redemptions could not be written", {
          unrecorded,
          error: messageOf(error),
        });
        return;
      }
      this.failures = 0;
      this.rows.markRecorded(upTo);
    }
  }

  private recordAfterMs(): number {
    return Math.min(LAST_RETRY_MS, RECORD_AFTER_MS * 2 ** this.failures);
  }

  private forget(now: number): number | null {
    for (let round = 1; ; round++) {
      const nextAt = this.rows.forgetOver(now, FORGET_AT_ONCE);
      if (nextAt === null || nextAt > now || round === ROUNDS_PER_ALARM) return nextAt;
    }
  }
}

function repeatedOutcome(known: StoredRedemption, ask: RedemptionAsk): RedeemOutcome {
  const { keyHash, ...terms } = known;
  const { redeemedAt, quantity, orderReference } = terms;
  if (keyHash !== ask.keyHash) return { kind: "other_key", redeemedAt };
  const isSame = quantity === ask.quantity && orderReference === ask.orderReference;
  return isSame ? { kind: "redeemed", repeated: true, terms } : { kind: "other_terms", redeemedAt };
}
