/** Whether a text is a valid quote. Nothing but public keys is needed, so any isolate can tell. */
import {
  QUOTE_FAULTS,
  QUOTE_GRACE_MS,
  QUOTE_ISSUER,
  QUOTE_TYPE,
  type QuoteClaims,
  type QuoteFaultReason,
  quoteClaimsSchema,
} from "../../../contract/quotes.ts";
import type { SigningKeys } from "../../../contract/signing-keys.ts";
import type { EpochMs } from "../../../domain/units.ts";

export type CheckedQuote = { claims: QuoteClaims } | QuoteFault;

export interface QuoteFault {
  reason: QuoteFaultReason;
  /** A sentence. */
  detail: string;
  /** Of a quote that is over, or somebody else's. */
  claims: QuoteClaims | null;
}

/** @param userHash whose quote it has to be; null for anybody's */
export async function checkQuote(
  keys: SigningKeys,
  quote: string,
  userHash: string | null,
  now: EpochMs,
): Promise<CheckedQuote> {
  const verdict = await keys.verify(quote, {
    ...{ typ: QUOTE_TYPE, issuer: QUOTE_ISSUER, now, toleranceMs: QUOTE_GRACE_MS },
  });
  const read = quoteClaimsSchema.safeParse(verdict.claims);
  const claims = read.success ? read.data : null;
  if ("reason" in verdict) return fault(verdict.reason, claims);
  if (!claims) return fault("malformed", null);
  const isOthers = userHash !== null && claims.user_hash !== null && claims.user_hash !== userHash;
  return isOthers ? fault("wrong_user", claims) : { claims };
}

function fault(reason: QuoteFaultReason, claims: QuoteClaims | null): QuoteFault {
  return { reason, detail: QUOTE_FAULTS[reason], claims };
}
