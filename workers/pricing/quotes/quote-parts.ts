/** What the routes of quotes work with. */
import type { Limiter } from "../../../contract/limiter.ts";
import type { PersonHashes } from "../../../contract/person-hashes.ts";
import type { QuoteLedgerRpc } from "../../../contract/quote-ledger.ts";
import { hashText } from "../../../contract/readable-events.ts";
import type { SigningKeys } from "../../../contract/signing-keys.ts";
import type { Dependency } from "../dependency.ts";
import type { Pipeline } from "../pipeline.ts";
import type { QuoteMetrics } from "./quote-metrics.ts";

/** The ledger object of a name. */
export type QuoteLedgers = (name: string) => QuoteLedgerRpc;

export interface QuoteParts {
  pipeline: Pipeline;
  limiter: Limiter;
  signingKeys: () => Promise<SigningKeys>;
  /** 16 hex digits for a user's id, as events carry it. */
  userHash: (userId: string) => string;
  /** 24 hex digits, new each time. */
  newQuoteDigits: () => string;
  ledgers: QuoteLedgers;
  ledgerDependency: Dependency;
  metrics: QuoteMetrics;
}

/** Hashes of users as events carry them. */
export function userHashesFrom(hashes: PersonHashes): QuoteParts["userHash"] {
  return (userId) => {
    const { high, low } = hashes.ofPerson(userId);
    return hashText(high, low);
  };
}

export function userHashOf({ userHash }: QuoteParts, userId: string | undefined): string | null {
  return userId === undefined ? null : userHash(userId);
}
