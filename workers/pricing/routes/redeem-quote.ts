/** POST /api/v1/quotes/redeem */
import { createHash } from "node:crypto";
import { forbiddenRegion } from "../../../contract/access.ts";
import { instantText } from "../../../contract/names.ts";
import type { Problem } from "../../../contract/problem.ts";
import {
  ledgerOf,
  type RedeemOutcome,
  type RedemptionAsk,
} from "../../../contract/quote-ledger.ts";
import {
  decisionIdOf,
  MAX_QUOTE_BODY_BYTES,
  QUOTE_GRACE_MS,
  type QuoteClaims,
  quoteEndsAt,
  type RedeemQuoteRequest,
  redeemedAnswerFrom,
  redeemQuoteRequestSchema,
} from "../../../contract/quotes.ts";
import { MINUTE_MS, SECOND_MS } from "../../../domain/units.ts";
import type { Call } from "../call.ts";
import { checkQuote, type QuoteFault } from "../quotes/check-quote.ts";
import type { Refusal } from "../quotes/quote-metrics.ts";
import { type QuoteParts, userHashOf } from "../quotes/quote-parts.ts";
import { checked, readJson } from "../read-body.ts";
import type { Handler } from "../router.ts";
import { jsonResponse } from "./json.ts";

/** A redemption is answered as before for so long past the quote's end. */
const REPEATED_FOR_MS = 10 * MINUTE_MS;

/** Redeems a quote, at most once. */
export function redeemQuote(parts: QuoteParts): Handler {
  const { signingKeys, ledgers, ledgerDependency, metrics } = parts;

  function refuse(reason: Refusal, problem: Problem): Problem {
    metrics.refused[reason].value++;
    return problem;
  }

  /** What came of asking the ledger, as the client is told. */
  function told(outcome: RedeemOutcome, claims: QuoteClaims): Response | Problem {
    switch (outcome.kind) {
      case "redeemed": {
        metrics[outcome.repeated ? "repeated" : "redeemed"].value++;
        const response = jsonResponse(redeemedAnswerFrom(claims, outcome.terms));
        if (outcome.repeated) response.headers.set("idempotent-replayed", "true");
        return response;
      }
      case "other_key": {
        const redeemedAt = instantText(outcome.redeemedAt);
        const detail = `It was redeemed at ${redeemedAt}, with another idempotency key.`;
        return refuse("redeemed", { type: "quote_redeemed", detail, redeemedAt });
      }
      case "other_terms": {
        const redeemedAt = instantText(outcome.redeemedAt);
        const detail = `This key redeemed it at ${redeemedAt}, with another quantity or order_reference.`;
        return refuse("key_reused", { type: "idempotency_key_reused", detail, redeemedAt });
      }
      case "expired":
        return refuse("expired", expired(claims));
      case "full":
        return refuse("unavailable", { type: "unavailable", retryAfterS: 5 });
    }
  }

  return async (call) => {
    const body = await readJson(call.request, MAX_QUOTE_BODY_BYTES);
    if (!("json" in body)) return body;
    const request = checked(redeemQuoteRequestSchema, body.json);
    if ("type" in request) return request;
    const { quote, user_id } = request.value;
    const userHash = userHashOf(parts, user_id);
    const verdict = await checkQuote(await signingKeys(), quote, userHash, call.now);
    const { claims } = verdict;
    const isOver = "reason" in verdict;
    if (isOver && !mayBeRepeated(verdict, call.now)) {
      return refuse(verdict.reason, faultProblem(verdict));
    }
    if (!claims) throw new Error("a quote without claims was found valid");
    const outside = forbiddenRegion(call.principal, claims.region_id);
    if (outside) return outside;
    const ask = askFrom(request.value, claims, call, isOver);
    if (ask.quantity > claims.quantity) return refuse("quantity", tooMany(claims));
    const answer = await ledgerDependency.ask(() => ledgers(ledgerOf(claims.jti)).redeem(ask));
    if (answer.ok) return told(answer.value, claims);
    // Whether it was redeemed is not known now; the same key finds out.
    return refuse("unavailable", { type: "unavailable", detail: answer.detail, retryAfterS: 1 });
  };
}

/** Over, but not for long: whoever redeemed it in time and did not hear the answer may ask again. */
function mayBeRepeated({ reason, claims }: QuoteFault, now: number): boolean {
  return reason === "expired" && claims !== null && now <= quoteEndsAt(claims) + REPEATED_FOR_MS;
}

function askFrom(
  request: RedeemQuoteRequest,
  claims: QuoteClaims,
  call: Call,
  isOver: boolean,
): RedemptionAsk {
  const { idempotency_key, quantity = claims.quantity, order_reference = null } = request;
  const redeemedBy = call.principal?.keyId ?? "";
  const endsAt = quoteEndsAt(claims);
  return {
    quoteId: claims.jti,
    // Keys of one client mean nothing to another, and what somebody else chose as a key need not be kept to be known again.
    keyHash: createHash("sha256")
      .update(`${redeemedBy}\n${idempotency_key}`)
      .digest("hex")
      .slice(0, 32),
    // The ledger has the last word, by its own clock, on what this isolate takes for valid; not on what it does not.
    redeemableUntil: isOver ? 0 : endsAt + QUOTE_GRACE_MS,
    knownUntil: endsAt + REPEATED_FOR_MS + MINUTE_MS,
    quantity,
    orderReference: order_reference,
    audit: {
      decisionId: decisionIdOf(claims),
      requestId: claims.request_id,
      regionId: claims.region_id,
      productType: claims.product_type,
      priceMinor: claims.price_minor,
      currency: claims.currency,
      userHash: claims.user_hash,
      issuedAt: claims.iat * SECOND_MS,
      redeemedBy,
    },
  };
}

function faultProblem({ reason, detail, claims }: QuoteFault): Problem {
  if (reason === "expired" && claims) return expired(claims);
  if (reason === "wrong_user") return { type: "wrong_user", detail };
  return { type: "invalid_quote", detail };
}

function expired(claims: QuoteClaims): Problem {
  const detail = `It was valid until ${instantText(quoteEndsAt(claims))}; ask for a new one.`;
  return { type: "quote_expired", detail };
}

function tooMany({ quantity }: QuoteClaims): Problem {
  const detail = `The quote is for ${quantity}.`;
  return { type: "invalid_request", errors: [{ path: "quantity", detail }] };
}
