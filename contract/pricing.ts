/** Prices, forecasts and explanations on the wire. */
import { z } from "zod";
import { type Decision, SOURCES } from "../domain/decision.ts";
import type { DemandForecast } from "../domain/forecast.ts";
import type { FACTORS } from "../domain/price.ts";
import { decimalFrom } from "./money.ts";
import {
  instantSchema,
  instantText,
  personIdSchema,
  productTypeSchema,
  regionIdSchema,
} from "./names.ts";

export const MAX_COMPUTE_BODY_BYTES = 16 * 1024;
export const MAX_BATCH_BODY_BYTES = 256 * 1024;
export const MAX_BATCH_ITEMS = 200;
/** How long a price is held for the client that asked. */
export const PRICE_VALID_MS = 2 * 60_000;

export const computeRequestSchema = z.strictObject({
  region_id: regionIdSchema,
  product_type: productTypeSchema,
  /** Recorded; it never prices. */
  timestamp: instantSchema.optional(),
  user_id: personIdSchema.optional(),
  quantity: z.number().int().min(1).max(1_000_000).optional(),
});
export type ComputeRequest = z.output<typeof computeRequestSchema>;

export const batchRequestSchema = z.strictObject({
  items: z.array(computeRequestSchema).min(1).max(MAX_BATCH_ITEMS),
});

const factorsSchema = z.object({
  demand: z.number(),
  supply: z.number(),
  time_of_day: z.number(),
  weather: z.number(),
  events: z.number(),
}) satisfies z.ZodType<Record<(typeof FACTORS)[number], number>>;

export const priceAnswerSchema = z.object({
  price: z.number(),
  currency: z.string(),
  base_price: z.number(),
  surge_multiplier: z.number(),
  demand_score: z.number().nullable(),
  confidence: z.number(),
  factors: factorsSchema,
  adjustments: z.object({ constraint: z.number(), rounding: z.number() }),
  valid_until: z.string(),
  request_id: z.string(),
  trace_id: z.string(),
  model_version: z.string().nullable(),
  rules_version: z.string(),
  experiment: z.null(),
  source: z.enum(SOURCES),
  stale: z.boolean(),
  cached: z.boolean(),
  disclosure: z.object({
    personal_data_used: z.boolean(),
    text: z.string().nullable(),
    lowest_price_30d: z.number().nullable(),
  }),
});
export type PriceAnswer = z.infer<typeof priceAnswerSchema>;

/** The part of an answer that is the decision's, the same for everyone who is told it. */
export type DecidedAnswer = Pick<
  PriceAnswer,
  | "price"
  | "currency"
  | "base_price"
  | "surge_multiplier"
  | "demand_score"
  | "confidence"
  | "factors"
  | "adjustments"
  | "model_version"
  | "rules_version"
  | "experiment"
  | "source"
  | "disclosure"
>;

/** A decision as the wire writes it. No personal data enters a decision, so none is disclosed. */
export function decidedAnswerFrom(decision: Decision, currency: string): DecidedAnswer {
  const { price, key } = decision;
  return {
    price: decimalFrom(price.priceMinor, currency),
    currency,
    base_price: decimalFrom(price.baseMinor, currency),
    surge_multiplier: price.surgeMultiplier,
    demand_score: decision.demandScore,
    confidence: decision.confidence,
    factors: price.factors,
    adjustments: price.adjustments,
    model_version: key.modelVersion,
    rules_version: key.rulesVersion,
    experiment: null,
    source: key.source,
    disclosure: { personal_data_used: false, text: null, lowest_price_30d: null },
  };
}

export const forecastQuerySchema = z.strictObject({
  region_id: regionIdSchema,
  horizon: z.coerce.number().int().min(15).max(60).default(60),
});

export const forecastAnswerSchema = z.object({
  region_id: z.string(),
  made_at: z.string(),
  model_version: z.string(),
  points: z.array(
    z.object({
      at: z.string(),
      horizon_minutes: z.number(),
      p10: z.number(),
      p50: z.number(),
      p90: z.number(),
    }),
  ),
  demand_score: z.number().nullable(),
  confidence: z.number(),
});
export type ForecastAnswer = z.infer<typeof forecastAnswerSchema>;

/** The points of a forecast up to `horizonMinutes`, as the wire writes them. */
export function forecastPointsFrom(
  forecast: DemandForecast,
  horizonMinutes: number,
): ForecastAnswer["points"] {
  return forecast.points
    .filter((point) => point.horizonMs <= horizonMinutes * 60_000)
    .map(({ at, horizonMs, p10, p50, p90 }) => ({
      at: instantText(at),
      horizon_minutes: horizonMs / 60_000,
      p10,
      p50,
      p90,
    }));
}
