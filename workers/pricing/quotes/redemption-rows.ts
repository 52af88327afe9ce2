/** The rows of a ledger object. */
import type { RedemptionAsk, RedemptionAudit } from "../../../contract/quote-ledger.ts";
import type { RedemptionTerms } from "../../../contract/quotes.ts";

// Numbers of redemptions go up by one; all up to `recorded` are in the audit. Rows leave from the front.
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS redemptions (
    number INTEGER PRIMARY KEY,
    quote_id TEXT NOT NULL UNIQUE,
    key_hash TEXT NOT NULL,
    redeemed_at INTEGER NOT NULL,
    quantity INTEGER NOT NULL,
    order_reference TEXT,
    known_until INTEGER NOT NULL,
    audit TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS progress (
    id INTEGER PRIMARY KEY CHECK (id = 0),
    recorded INTEGER NOT NULL
  ) STRICT;
  INSERT OR IGNORE INTO progress VALUES (0, 0);
`;

/** A redemption as the audit gets it. */
export interface RedemptionRecord extends RedemptionAudit, RedemptionTerms {
  quoteId: string;
}

export interface StoredRedemption extends RedemptionTerms {
  keyHash: string;
}

export class RedemptionRows {
  private readonly sql: SqlStorage;
  private lastNumber: number;
  private recorded: number;

  constructor(sql: SqlStorage) {
    this.sql = sql;
    sql.exec(SCHEMA);
    const [row] = sql
      .exec<{ recorded: number; last: number | null }>(
        "SELECT recorded, (SELECT max(number) FROM redemptions) AS last FROM progress",
      )
      .toArray();
    this.recorded = row?.recorded ?? 0;
    this.lastNumber = Math.max(this.recorded, row?.last ?? 0);
  }

  /** Redemptions that the audit does not have yet. */
  get unrecorded(): number {
    return this.lastNumber - this.recorded;
  }

  find(quoteId: string): StoredRedemption | null {
    const [row] = this.sql
      .exec<{
        key_hash: string;
        redeemed_at: number;
        quantity: number;
        order_reference: string | null;
      }>(
        "SELECT key_hash, redeemed_at, quantity, order_reference FROM redemptions WHERE quote_id = ?",
        quoteId,
      )
      .toArray();
    if (!row) return null;
    return {
      keyHash: row.key_hash,
      redeemedAt: row.redeemed_at,
      quantity: row.quantity,
      orderReference: row.order_reference,
    };
  }

  add(
    { quoteId, keyHash, quantity, orderReference, knownUntil, audit }: RedemptionAsk,
    now: number,
  ) {
    this.sql.exec(
      "INSERT INTO redemptions VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      ...[this.lastNumber + 1, quoteId, keyHash, now, quantity, orderReference, knownUntil],
      JSON.stringify(audit),
    );
    this.lastNumber++;
  }

  /** The oldest redemptions that the audit does not have, and what to tell `markRecorded` once it has them. */
  nextUnrecorded(limit: number): { records: RedemptionRecord[]; upTo: number } {
    const rows = this.sql
      .exec<{
        number: number;
        quote_id: string;
        redeemed_at: number;
        quantity: number;
        order_reference: string | null;
        audit: string;
      }>(
        "SELECT number, quote_id, redeemed_at, quantity, order_reference, audit FROM redemptions WHERE number > ? ORDER BY number LIMIT ?",
        ...[this.recorded, limit],
      )
      .toArray();
    const records = rows.map(({ quote_id, redeemed_at, quantity, order_reference, audit }) => ({
      ...(JSON.parse(audit) as RedemptionAudit),
      ...{ quoteId: quote_id, redeemedAt: redeemed_at, quantity, orderReference: order_reference },
    }));
    return { records, upTo: rows.at(-1)?.number ?? this.recorded };
  }

  markRecorded(upTo: number): void {
    this.sql.exec("UPDATE progress SET recorded = ?", upTo);
    this.recorded = upTo;
  }

  /**
   * Forgets the oldest redemptions that are over and in the audit. Rows are looked at from the front only: they live for much
   * the same time, so what stands behind one that is not over waits no more than the time of a quote.
   *
   * @returns when to come again; null when nothing is left to be forgotten
   */
  forgetOver(now: number, limit: number): number | null {
    const front = this.sql
      .exec<{ number: number; known_until: number }>(
        "SELECT number, known_until FROM redemptions WHERE number <= ? ORDER BY number LIMIT ?",
        ...[this.recorded, limit],
      )
      .toArray();
    const over = front.filter(({ known_until }) => known_until < now);
    if (over.length > 0) {
      this.sql.exec(
        "DELETE FROM redemptions WHERE known_until < ? AND number BETWEEN ? AND ?",
        ...[now, front[0]?.number ?? 0, front.at(-1)?.number ?? 0],
      );
    }
    if (over.length === front.length) return front.length < limit ? null : now;
    const kept = front.map(({ known_until }) => known_until).filter((until) => until >= now);
    return Math.min(...kept) + 1;
  }
}
