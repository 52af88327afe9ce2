/** What becomes of quotes. */
import type { Counter, Metrics } from "../../../contract/metrics.ts";
import { QUOTE_FAULTS, type QuoteFaultReason } from "../../../contract/quotes.ts";

const REFUSALS = [
  ...(Object.keys(QUOTE_FAULTS) as QuoteFaultReason[]),
  "redeemed",
  "key_reused",
  "quantity",
  "unavailable",
] as const;
export type Refusal = (typeof REFUSALS)[number];

export interface QuoteMetrics {
  issued: Counter;
  verified: Counter;
  redeemed: Counter;
  /** Redemptions that were answered as before. */
  repeated: Counter;
  refused: Record<Refusal, Counter>;
}

export function createQuoteMetrics(metrics: Metrics): QuoteMetrics {
  const redeemed = (repeated: boolean) =>
    metrics.counter(
      "pricing_quotes_redeemed_total",
      "Quotes redeemed, and redeemed once more by the same key.",
      {
        repeated: String(repeated),
      },
    );
  return {
    issued: metrics.counter("pricing_quotes_issued_total", "Quotes signed."),
    verified: metrics.counter("pricing_quotes_verified_total", "Quotes found valid when asked."),
    redeemed: redeemed(false),
    repeated: redeemed(true),
    refused: Object.fromEntries(
      REFUSALS.map((reason) => [
        reason,
        metrics.counter("pricing_quotes_refused_total", "Quotes found invalid, or not redeemed.", {
          reason,
        }),
      ]),
    ) as Record<Refusal, Counter>,
  };
}
