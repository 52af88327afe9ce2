/** Prices, forecasts and explanations on the wire. */
import * as z from "zod";
import { type Decision, SOURCES } from "../domain/decision.ts";
import type { DemandForecast } from "../domain/forecast.ts";
import { decimalFrom } from "../domain/money.ts";
import { ADJUSTMENTS, FACTORS } from "../domain/price.ts";
import {
  instantSchema,
  instantText,
  personIdSchema,
  productTypeSchema,
  regionIdSchema,
} from "./names.ts";
import { problemSchema } from "./problem.ts";

export const MAX_COMPUTE_BODY_BYTES = 16 * 1024;
export const MAX_BATCH_BODY_BYTES = 256 * 1024;
export const MAX_BATCH_ITEMS = 200;
/** How long a price is held for the client that asked. */
export const PRICE_VALID_MS = 2 * 60_000;

/** The names are the rules'; so are the ranges. */
const attributesSchema = z
  .record(z.string().regex(/^[a-z0-9_]{1,64}$/), z.int().min(-999_999_999).max(999_999_999))
  .refine((attributes) => Object.keys(attributes).length <= 16, "At most 16 attributes.");

export const computeRequestSchema = z.strictObject({
  region_id: regionIdSchema,
  product_type: productTypeSchema,
  /** When the client asked, by its own clock. It never prices. */
  timestamp: instantSchema.optional(),
  user_id: personIdSchema.optional(),
  quantity: z.number().int().min(1).max(1_000_000).optional(),
  /** What the rules in force ask of a request: how many days ahead, how many nights. */
  attributes: attributesSchema.optional(),
});
export type ComputeRequest = z.output<typeof computeRequestSchema>;

export const batchRequestSchema = z.strictObject({
  items: z.array(computeRequestSchema).min(1).max(MAX_BATCH_ITEMS),
});

const each = <Name extends string>(names: readonly Name[]) =>
  Object.fromEntries(names.map((name) => [name, z.number()])) as Record<Name, z.ZodNumber>;

/** Those of the rules' own stand beside the five that every price has. */
const factorsSchema = z.object(each(FACTORS)).catchall(z.number());
const adjustmentsSchema = z.object(each(ADJUSTMENTS));

export const experimentSchema = z.object({ id: z.string(), variant: z.string() });

/** The part of an answer that is the decision's, the same for everyone who is told it. */
export const decidedAnswerSchema = z.object({
  /** Of one unit. */
  price: z.number(),
  currency: z.string(),
  base_price: z.number(),
  /** price / base_price; 1 + all factors + all adjustments, to 1e-9. */
  surge_multiplier: z.number(),
  demand_score: z.number().nullable(),
  confidence: z.number(),
  factors: factorsSchema,
  adjustments: adjustmentsSchema,
  model_version: z.string().nullable(),
  rules_version: z.string(),
  /** The variant that the price was made by; null outside of experiments. */
  experiment: experimentSchema.nullable(),
  source: z.enum(SOURCES),
  disclosure: z.object({
    personal_data_used: z.boolean(),
    text: z.string().nullable(),
    /** Where a reduction is announced: the lowest price of the 30 days before it. */
    lowest_price_30d: z.number().nullable(),
  }),
});
export type DecidedAnswer = z.infer<typeof decidedAnswerSchema>;

export const priceAnswerSchema = decidedAnswerSchema.extend({
  /** Two minutes after the answer. */
  valid_until: z.string(),
  request_id: z.string(),
  trace_id: z.string(),
  /** The features were past their time to live. */
  stale: z.boolean(),
  /** The decision had been made before this request came. */
  cached: z.boolean(),
});
export type PriceAnswer = z.infer<typeof priceAnswerSchema>;

/** An answer or a problem for each item, in the order asked. */
export const batchAnswerSchema = z.object({
  items: z.array(z.union([priceAnswerSchema, problemSchema])),
});

/** What New York wants said where personal data set a price (General Business Law 349-a). */
const PERSONAL_DATA_TEXT = "THIS PRICE WAS SET BY AN ALGORITHM USING YOUR PERSONAL DATA";

/** A decision as the wire writes it. Of personal data only a user's id ever enters: in an experiment it says which rules or model price. */
export function decidedAnswerFrom({ price, key, ...decision }: Decision): DecidedAnswer {
  const { currency } = price;
  const { lowestBeforeMinor } = decision;
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
    experiment: key.experiment,
    source: key.source,
    disclosure: {
      personal_data_used: key.experiment !== null,
      text: key.experiment === null ? null : PERSONAL_DATA_TEXT,
      lowest_price_30d:
        lowestBeforeMinor === null ? null : decimalFrom(lowestBeforeMinor, currency),
    },
  };
}

export const forecastQuerySchema = z.strictObject({
  region_id: regionIdSchema,
  horizon: z.coerce.number().int().min(15).max(60).default(60),
});

/** Bookings expected in the quarter hour that ends at `at`. */
export const forecastPointSchema = z.object({
  at: z.string(),
  horizon_minutes: z.number(),
  p10: z.number(),
  p50: z.number(),
  p90: z.number(),
});

export const forecastAnswerSchema = z.object({
  region_id: z.string(),
  made_at: z.string(),
  model_version: z.string(),
  points: z.array(forecastPointSchema),
  demand_score: z.number().nullable(),
  confidence: z.number(),
});
export type ForecastAnswer = z.infer<typeof forecastAnswerSchema>;

/** The points of a forecast up to `horizonMinutes`, as the wire writes them. */
export function forecastPointsFrom(
  forecast: DemandForecast,
  horizonMinutes = Number.POSITIVE_INFINITY,
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
