/**
 * What the pricing Worker and the ledger of redeemed quotes say to each other.
 *
 * A quote belongs to the ledger object that the first digit of its id names, for as long as there are quotes: were it to depend
 * on a number of objects that can be changed, a quote could be redeemed in two of them.
 */
import type { RedemptionTerms } from "./quotes.ts";

/** The ledger object of a quote, one of sixteen. */
export function ledgerOf(quoteId: string): string {
  return `quotes-${quoteId.charAt("quo_".length)}`;
}

/** A redemption that is asked for. Instants are wall clock, milliseconds. */
export interface RedemptionAsk {
  quoteId: string;
  /** Of the idempotency key and whose it is. */
  keyHash: string;
  /** Until when it can be redeemed, grace included. */
  redeemableUntil: number;
  /** Until when it has to be known that it was redeemed. */
  knownUntil: number;
  quantity: number;
  orderReference: string | null;
  /** What the audit needs beside. */
  audit: RedemptionAudit;
}

/** A redemption's row of the audit, but for what was agreed. */
export interface RedemptionAudit {
  decisionId: string;
  requestId: string;
  regionId: string;
  productType: string;
  priceMinor: number;
  currency: string;
  userHash: string | null;
  /** Wall clock, milliseconds. */
  issuedAt: number;
  /** Id of the key. */
  redeemedBy: string;
}

export type RedeemOutcome =
  /** `repeated`: it had been, under the same key and on the same terms. */
  | { kind: "redeemed"; repeated: boolean; terms: RedemptionTerms }
  /** Under another key; or under the same key, on other terms. */
  | { kind: "other_key" | "other_terms"; redeemedAt: number }
  | { kind: "expired" }
  /** So many redemptions wait for the audit that no more are taken. */
  | { kind: "full" };

/** A ledger object. Nobody but the Worker that signs can call it, so it takes what it is told for checked. */
export interface QuoteLedgerRpc {
  /** At most one key ever redeems a quote; the answer comes after that is on disk. */
  redeem(ask: RedemptionAsk): Promise<RedeemOutcome>;
}
