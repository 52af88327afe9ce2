/** GET /api/v1/pricing/explain: a decision, what went into it, and how one led to the other. */
import * as z from "zod";
import { productContextOf, valueAt } from "../domain/context.ts";
import { FEATURE_NAMES } from "../domain/features.ts";
import type { DemandForecast } from "../domain/forecast.ts";
import type { FeatureSnapshot } from "../domain/snapshot.ts";
import type { ProductType } from "../domain/units.ts";
import { instantText } from "./names.ts";
import {
  decidedAnswerSchema,
  experimentSchema,
  forecastPointSchema,
  forecastPointsFrom,
} from "./pricing.ts";

export const explainQuerySchema = z.strictObject({ request_id: z.string().min(1).max(2_048) });

const whole = z.int().min(0);

/** What a snapshot holds. */
export const snapshotInputsSchema = z.object({
  /** Number of the region's snapshot; 0 when none could be had. */
  tick: whole,
  /** Event time of the features. */
  as_of: z.string().nullable(),
  features: z.record(z.string(), z.number().nullable()),
  /** Bookings usual in each of the coming four quarter hours. */
  usual_bookings: z.array(z.number().nullable()),
  signals: z
    .object({
      booking_count_1min: whole,
      booking_count_5min: whole,
      booking_count_15min: whole,
      search_volume_5min: whole,
      search_volume_15min: whole,
      cancellations_15min: whole,
      active_sessions_30min: whole,
    })
    .nullable(),
  /** Readings that counted at `as_of`; null where none did. */
  context: z.object({
    available_drivers: z.number().nullable(),
    busy_drivers: z.number().nullable(),
    temperature_f: z.number().nullable(),
    precipitation_in: z.number().nullable(),
    traffic_index: z.number().nullable(),
    local_event_score: z.number().nullable(),
    holiday: z.string().nullable(),
    /** Of the product that was priced. */
    stock_on_hand: z.number().nullable(),
    daily_sales: z.number().nullable(),
    /** The lowest. */
    competitor_price: z.number().nullable(),
  }),
});

const inputsSchema = snapshotInputsSchema.extend({
  forecast: z
    .object({
      made_at: z.string(),
      model_version: z.string(),
      points: z.array(forecastPointSchema),
    })
    .nullable(),
  rules: z.object({
    version: z.string(),
    /** Names of the layers that apply, the most specific first. */
    layers: z.array(z.string()),
    /** As the pricing team wrote it. */
    document: z.unknown(),
  }),
  /** Measures that bear on the price; null where none does. */
  emergency: z.object({ version: z.string(), measures: z.array(z.string()) }).nullable(),
  /** Prices told of the product in the minute before, the oldest first. */
  told: z.array(z.object({ at: z.string(), price: z.number() })),
  attributes: z.record(z.string(), z.number()).readonly().nullable(),
  experiment: experimentSchema.nullable(),
});

export const explainStepSchema = z.object({
  name: z.string(),
  /** What the step came to; null where its input was missing. */
  value: z.number().nullable(),
  /** What it adds to the surge multiplier; null for steps that are not part of the sum. */
  contribution: z.number().nullable(),
  /** For a support agent to read out. */
  sentence: z.string(),
});
export type ExplainStep = z.infer<typeof explainStepSchema>;

export const explainAnswerSchema = z.object({
  request_id: z.string(),
  decision_id: z.string(),
  region_id: z.string(),
  product_type: z.string(),
  /** When the decision log first had it; null while it has not, or when it does not answer. */
  decided_at: z.string().nullable(),
  /** The decision was made again from its inputs, and price, factors and adjustments came out the same. */
  replayed: z.boolean(),
  decision: decidedAnswerSchema,
  inputs: inputsSchema,
  steps: z.array(explainStepSchema),
  summary: z.string(),
});
export type ExplainAnswer = z.infer<typeof explainAnswerSchema>;

/** The part of the inputs that a snapshot holds, as the wire writes it; of products that of `productType`. */
export function snapshotInputsFrom(
  snapshot: FeatureSnapshot | null,
  productType: ProductType,
): Pick<
  ExplainAnswer["inputs"],
  "tick" | "as_of" | "features" | "usual_bookings" | "signals" | "context"
> {
  const at = <Value>(
    pick: (context: FeatureSnapshot["context"]) => Parameters<typeof valueAt<Value>>[0],
  ) => (snapshot ? valueAt(pick(snapshot.context), snapshot.asOf) : null);
  const supply = at((context) => context.supply);
  const weather = at((context) => context.weather);
  const stock = at((context) => productContextOf(context, productType)?.stock ?? null);
  return {
    tick: snapshot?.tick ?? 0,
    as_of: snapshot ? instantText(snapshot.asOf) : null,
    features: Object.fromEntries(
      snapshot ? FEATURE_NAMES.map((name, i) => [name, snapshot.features[i] ?? null]) : [],
    ),
    usual_bookings: snapshot?.usual ?? [],
    signals: snapshot && {
      booking_count_1min: snapshot.signals.bookingCount1m,
      booking_count_5min: snapshot.signals.bookingCount5m,
      booking_count_15min: snapshot.signals.bookingCount15m,
      search_volume_5min: snapshot.signals.searchCount5m,
      search_volume_15min: snapshot.signals.searchCount15m,
      cancellations_15min: snapshot.signals.cancellationCount15m,
      active_sessions_30min: snapshot.signals.activeSessions30m,
    },
    context: {
      available_drivers: supply?.available ?? null,
      busy_drivers: supply?.busy ?? null,
      temperature_f: weather?.tempF ?? null,
      precipitation_in: weather?.precipIn ?? null,
      traffic_index: at((context) => context.traffic),
      local_event_score: at((context) => context.localEvent),
      holiday: at((context) => context.holiday),
      stock_on_hand: stock?.onHand ?? null,
      daily_sales: stock?.dailySales ?? null,
      competitor_price: at(
        (context) => productContextOf(context, productType)?.competitorPrice ?? null,
      ),
    },
  };
}

/** A forecast as an explanation shows it. */
export function forecastInputFrom(
  forecast: DemandForecast | null,
): ExplainAnswer["inputs"]["forecast"] {
  return (
    forecast && {
      made_at: instantText(forecast.madeAt),
      model_version: forecast.modelVersion,
      points: forecastPointsFrom(forecast),
    }
  );
}
