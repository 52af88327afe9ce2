/** POST /api/v1/quotes */
import { forbiddenRegion } from "../../../contract/access.ts";
import { instantText } from "../../../contract/names.ts";
import { MAX_COMPUTE_BODY_BYTES, type PriceAnswer } from "../../../contract/pricing.ts";
import {
  QUOTE_TYPE,
  type QuoteAnswer,
  quoteClaimsFrom,
  quoteEndsAt,
} from "../../../contract/quotes.ts";
import { charge } from "../charge.ts";
import { type QuoteParts, userHashOf } from "../quotes/quote-parts.ts";
import { readJson } from "../read-body.ts";
import type { Handler } from "../router.ts";
import { askedFrom } from "./asked.ts";
import { jsonResponse } from "./json.ts";

/** A price as compute tells it, with a quote of it. */
export function createQuote(parts: QuoteParts): Handler {
  const { pipeline, limiter, signingKeys, newQuoteDigits, metrics } = parts;
  return async (call) => {
    const body = await readJson(call.request, MAX_COMPUTE_BODY_BYTES);
    if (!("json" in body)) return body;
    const asked = askedFrom(body.json);
    if ("type" in asked) return asked;
    const outside = forbiddenRegion(call.principal, asked.region_id);
    if (outside) return outside;
    const refusal = await charge(limiter, call, asked.user_id, asked.region_id);
    if (refusal !== null) return refusal;
    await pipeline.prepare(asked.region_id, call);
    const answer = pipeline.tell(asked, call, false);
    if (typeof answer !== "string") return answer;
    const told = JSON.parse(answer) as PriceAnswer;
    const claims = quoteClaimsFrom(told, {
      quoteId: `quo_${newQuoteDigits()}`,
      quantity: asked.quantity ?? 1,
      userHash: userHashOf(parts, asked.user_id),
      now: call.now,
    });
    const quote = await (await signingKeys()).sign(claims, { typ: QUOTE_TYPE });
    metrics.issued.value++;
    return jsonResponse({
      ...told,
      valid_until: instantText(quoteEndsAt(claims)),
      quote_id: claims.jti,
      quote,
    } satisfies QuoteAnswer);
  };
}
