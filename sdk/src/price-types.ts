/** What the price client sends and hears. */

export interface PriceRequest {
  region_id: string;
  product_type: string;
  /** RFC 3339; when the client asked. It never prices. */
  timestamp?: string;
  user_id?: string;
  quantity?: number;
  /** Integers that the rules have factors for. */
  attributes?: Record<string, number>;
}

/** The part of an answer that is the decision's. */
export interface DecidedPrice {
  /** Of one unit. */
  price: number;
  currency: string;
  base_price: number;
  surge_multiplier: number;
  demand_score: number | null;
  confidence: number;
  factors: Record<string, number>;
  adjustments: Record<string, number>;
  model_version: string | null;
  rules_version: string;
  experiment: { id: string; variant: string } | null;
  source: "model" | "last_forecast" | "rules_only";
  disclosure: {
    personal_data_used: boolean;
    text: string | null;
    lowest_price_30d: number | null;
  };
}

export interface PriceAnswer extends DecidedPrice {
  /** RFC 3339. */
  valid_until: string;
  request_id: string;
  trace_id: string;
  stale: boolean;
  cached: boolean;
}

export interface QuoteAnswer extends PriceAnswer {
  quote_id: string;
  /** A compact JWS. */
  quote: string;
}

export interface RedeemRequest {
  quote: string;
  /** The same for every try of one redemption; give the order's own number where it has one. */
  idempotency_key: string;
  user_id?: string;
  order_reference?: string;
  quantity?: number;
}

export interface RedeemedAnswer {
  quote_id: string;
  redeemed_at: string;
  region_id: string;
  product_type: string;
  price: number;
  currency: string;
  quantity: number;
  total: number;
  order_reference: string | null;
  request_id: string;
}

export interface Explanation {
  request_id: string;
  decision_id: string;
  region_id: string;
  product_type: string;
  decided_at: string | null;
  replayed: boolean;
  decision: DecidedPrice;
  inputs: Record<string, unknown>;
  steps: { name: string; value: number | null; contribution: number | null; sentence: string }[];
  /** A sentence or two that a support agent can read out. */
  summary: string;
}

/** RFC 9457. */
export interface Problem {
  /** `/docs/problems#` and a name. */
  type: string;
  title: string;
  status: number;
  detail?: string | undefined;
  errors?: { path: string; detail: string }[] | undefined;
  /** Of `quote_redeemed`. */
  redeemed_at?: string | undefined;
  trace_id: string;
}
