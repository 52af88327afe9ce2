/**
 * What the holders of leases and the ledger say to each other.
 *
 * A bucket belongs to one ledger object, which hands its tokens out in blocks. A holder is an isolate; whatever it says about a
 * bucket settles all it was given before, so there is one kind of message.
 */

/** A lease ends this long after its holder asked for it. The ledger counts from later, so it never thinks one ended too early. */
export const LEASE_MS = 3_000;

export interface LimitAsk {
  /** Hashed: names nobody. */
  bucket: string;
  requestsPerMinute: number;
  burst: number;
  /** Leased tokens that the holder still has and goes on spending. */
  held: number;
  /** Leased tokens that it gives back. */
  returned: number;
  /** Tokens it spent without having any. */
  spent: number;
  /** Tokens that requests wait for: they are spent as soon as they are granted. */
  needed: number;
  /** Tokens it would like to have for what comes next, those held among them. */
  ahead: number;
}

export interface LimitGrant {
  /** What the holder has now, in place of what it held: needed and leased together. */
  granted: number;
  /** Whole tokens left in the bucket; below zero when more was spent than there was. */
  level: number;
  /** Until the bucket has a token for anybody; 0 when it has one. */
  waitMs: number;
}

/** A ledger object. Nobody but the Workers of this project can call it. */
export interface LimitLedgerRpc {
  /** Settles each ask of a holder, and answers in the same order. */
  settle(holder: string, asks: LimitAsk[]): Promise<LimitGrant[]>;
}
