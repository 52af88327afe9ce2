/**
 * Quotes on the wire: a price that is held for two minutes, signed.
 *
 * A quote is a compact JWS, so whoever has the public keys checks it without asking anybody. What it says is below; what
 * became of it, whether it was redeemed, only the service knows.
 */
import * as z from "zod";
import { keyOfRequestId, textOfKey } from "../domain/decision.ts";
import { fractionDigitsOf } from "../domain/money.ts";
import { type EpochMs, epochMs, SECOND_MS } from "../domain/units.ts";
import { instantText, personIdSchema, productTypeSchema, regionIdSchema } from "./names.ts";
import { MAX_COMPUTE_BODY_BYTES, PRICE_VALID_MS, priceAnswerSchema } from "./pricing.ts";
import { TOKEN_FAULTS } from "./signing-keys.ts";

/** The `typ` of a quote's header: no other token is taken for a quote. */
export const QUOTE_TYPE = "quote+jwt";
export const QUOTE_ISSUER = "edge-demand-pricing";
/** A quote is taken for so long past its end, for clocks that differ and requests that were under way. */
export const QUOTE_GRACE_MS = 5 * SECOND_MS;
export const MAX_QUOTE_BODY_BYTES = MAX_COMPUTE_BODY_BYTES;
const MAX_QUOTE_CHARS = 8_192;

export const quoteIdSchema = z.string().regex(/^quo_[0-9a-f]{24}$/);

/** What is signed. Names beside those of RFC 7519 are this product's; times are whole seconds. */
export const quoteClaimsSchema = z.object({
  iss: z.literal(QUOTE_ISSUER),
  /** The quote's id. */
  jti: quoteIdSchema,
  iat: z.int(),
  exp: z.int(),
  region_id: regionIdSchema,
  product_type: productTypeSchema,
  /** Of one unit, in minor units: 1575 with an exponent of 2 is 15.75. */
  price_minor: z.int(),
  currency: z.string(),
  currency_exponent: z.int().min(0).max(4),
  /** Units that may be had at that price. */
  quantity: z.int().min(1),
  /** As events carry it; null: for nobody in particular. */
  user_hash: z.string().nullable(),
  /** Carries the key of the decision: `/api/v1/pricing/explain` tells why it is that price. */
  request_id: z.string(),
  rules_version: z.string(),
  model_version: z.string().nullable(),
});
export type QuoteClaims = z.output<typeof quoteClaimsSchema>;

/** A price answer, signed. */
export const quoteAnswerSchema = priceAnswerSchema.extend({
  /** The quote's end; as everything above, it stands in the quote too. */
  valid_until: z.string(),
  quote_id: quoteIdSchema,
  /** A compact JWS (RFC 7515). */
  quote: z.string(),
});
export type QuoteAnswer = z.output<typeof quoteAnswerSchema>;

const quoteSchema = z.string().min(1).max(MAX_QUOTE_CHARS);

export const verifyQuoteRequestSchema = z.strictObject({
  quote: quoteSchema,
  /** Whose quote it has to be; one that is for nobody in particular is everybody's. */
  user_id: personIdSchema.optional(),
});

/** Why a quote is not valid. */
export const QUOTE_FAULTS = {
  ...TOKEN_FAULTS,
  malformed: "It is no quote.",
  wrong_user: "It was made for somebody else.",
} as const;
export type QuoteFaultReason = keyof typeof QUOTE_FAULTS;

export const verifyQuoteAnswerSchema = z.object({
  valid: z.boolean(),
  /** Null for a quote that is valid. */
  reason: z.enum(Object.keys(QUOTE_FAULTS) as [QuoteFaultReason]).nullable(),
  detail: z.string().nullable(),
  /** What the quote says; null where its signature does not vouch for it. */
  claims: quoteClaimsSchema.nullable(),
});

export const redeemQuoteRequestSchema = z.strictObject({
  quote: quoteSchema,
  /** The same for every try of one redemption, another for any other. */
  idempotency_key: z.string().min(1).max(128),
  user_id: personIdSchema.optional(),
  /** Whatever names the order on the client's side; kept with the redemption, so it should name nobody. */
  order_reference: z.string().min(1).max(128).optional(),
  /** Units taken; those of the quote unless it is given. */
  quantity: z.int().min(1).max(1_000_000).optional(),
});
export type RedeemQuoteRequest = z.output<typeof redeemQuoteRequestSchema>;

/** The same for every try with the same idempotency key. */
export const redeemedAnswerSchema = z.object({
  quote_id: quoteIdSchema,
  redeemed_at: z.string(),
  region_id: z.string(),
  product_type: z.string(),
  /** Of one unit. */
  price: z.number(),
  currency: z.string(),
  quantity: z.number(),
  /** Price times quantity. */
  total: z.number(),
  order_reference: z.string().nullable(),
  request_id: z.string(),
});
export type RedeemedAnswer = z.output<typeof redeemedAnswerSchema>;

/** The claims of a quote of the price that an answer tells. Two minutes from `now`, in whole seconds. */
export function quoteClaimsFrom(
  told: z.output<typeof priceAnswerSchema>,
  quote: { quoteId: string; quantity: number; userHash: string | null; now: EpochMs },
): QuoteClaims {
  const key = keyOfRequestId(told.request_id);
  if (!key) throw new Error(`${told.request_id} is no request id`);
  const issuedAtS = Math.floor(quote.now / SECOND_MS);
  return {
    iss: QUOTE_ISSUER,
    jti: quote.quoteId,
    iat: issuedAtS,
    exp: issuedAtS + PRICE_VALID_MS / SECOND_MS,
    region_id: key.regionId,
    product_type: key.productType,
    price_minor: key.priceMinor,
    currency: told.currency,
    currency_exponent: fractionDigitsOf(told.currency),
    quantity: quote.quantity,
    user_hash: quote.userHash,
    request_id: told.request_id,
    rules_version: told.rules_version,
    model_version: told.model_version,
  };
}

export const quoteEndsAt = ({ exp }: QuoteClaims): EpochMs => epochMs(exp * SECOND_MS);

/** The id of the decision behind a quote, as the decision log has it. */
export function decisionIdOf({ request_id }: QuoteClaims): string {
  const key = keyOfRequestId(request_id);
  if (!key) throw new Error(`${request_id} is no request id`);
  return textOfKey(key);
}

/** What a redemption is answered with, the first time and each time after. */
export function redeemedAnswerFrom(
  claims: QuoteClaims,
  { redeemedAt, quantity, orderReference }: RedemptionTerms,
): RedeemedAnswer {
  const { price_minor, currency, currency_exponent } = claims;
  const decimal = (minor: number) => minor / 10 ** currency_exponent;
  return {
    quote_id: claims.jti,
    redeemed_at: instantText(redeemedAt),
    region_id: claims.region_id,
    product_type: claims.product_type,
    price: decimal(price_minor),
    currency,
    quantity,
    total: decimal(price_minor * quantity),
    order_reference: orderReference,
    request_id: claims.request_id,
  };
}

/** What was agreed when a quote was redeemed. */
export interface RedemptionTerms {
  redeemedAt: number;
  quantity: number;
  orderReference: string | null;
}
