/** POST /api/v1/quotes/verify */
import type { z } from "zod";
import { forbiddenRegion } from "../../../contract/access.ts";
import {
  MAX_QUOTE_BODY_BYTES,
  type verifyQuoteAnswerSchema,
  verifyQuoteRequestSchema,
} from "../../../contract/quotes.ts";
import { checkQuote } from "../quotes/check-quote.ts";
import { type QuoteParts, userHashOf } from "../quotes/quote-parts.ts";
import { checked, readJson } from "../read-body.ts";
import type { Handler } from "../router.ts";
import { jsonResponse } from "./json.ts";

/** From memory alone: nobody else is asked, so it does not tell whether the quote was redeemed. */
export function verifyQuote(parts: QuoteParts): Handler {
  return async (call) => {
    const body = await readJson(call.request, MAX_QUOTE_BODY_BYTES);
    if (!("json" in body)) return body;
    const request = checked(verifyQuoteRequestSchema, body.json);
    if ("type" in request) return request;
    const { quote, user_id } = request.value;
    const keys = await parts.signingKeys();
    const verdict = await checkQuote(keys, quote, userHashOf(parts, user_id), call.now);
    const outside = verdict.claims && forbiddenRegion(call.principal, verdict.claims.region_id);
    if (outside) return outside;
    if ("reason" in verdict) parts.metrics.refused[verdict.reason].value++;
    else parts.metrics.verified.value++;
    const { reason = null, detail = null } = "reason" in verdict ? verdict : {};
    return jsonResponse({
      ...{ valid: reason === null, reason, detail, claims: verdict.claims },
    } satisfies z.input<typeof verifyQuoteAnswerSchema>);
  };
}
