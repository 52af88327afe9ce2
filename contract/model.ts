/** A model artefact: ONNX bytes and the card that says what they are. */
import { createHash } from "node:crypto";
import * as z from "zod";
import type { ModelVersion } from "../domain/units.ts";

export const MAX_MODEL_BYTES = 25 * 1024 * 1024;

const metric = z.number().nullable();

/** Error of a forecast: pooled over regions. */
export const errorMetricsSchema = z.object({
  wape: metric,
  mase: metric,
  smape: metric,
  pinball: metric,
  coverage_80: metric,
});

export const modelVersionSchema = z
  .string()
  .regex(/^mdl_[0-9a-f]{12}$/, "A model version is mdl_ and twelve hex digits.")
  .transform((text) => text as ModelVersion);

export const modelCardSchema = z.object({
  version: modelVersionSchema,
  created_at: z.iso.datetime(),
  feature_set_version: z.string(),
  /** In the order of the input tensor's columns. */
  feature_names: z.array(z.string()).min(1),
  horizons_minutes: z.array(z.number().int().positive()).min(1),
  /** Name and layout of the graph's input [rows, features] and output [rows, horizons * (p10, p50, p90)]. */
  input: z.string(),
  output: z.string(),
  training: z.object({
    from: z.iso.datetime(),
    until: z.iso.datetime(),
    rows: z.number().int(),
    regions: z.number().int(),
    seed: z.number().int(),
    data_sha256: z.string(),
    rounds: z.number().int(),
  }),
  evaluation: z.object({
    from: z.iso.datetime(),
    until: z.iso.datetime(),
    regions: z.number().int(),
    hourly: z.object({ model: errorMetricsSchema, seasonal_naive: errorMetricsSchema }),
    quarter_hourly: z.object({ model: errorMetricsSchema, seasonal_naive: errorMetricsSchema }),
  }),
  /** Share of the total gain, largest first. */
  feature_importance: z.array(z.object({ feature: z.string(), gain: z.number() })),
  /** Inputs and what the model must answer; null is NaN. A model that answers otherwise is refused. */
  golden: z
    .array(z.object({ features: z.array(z.number().nullable()), quantiles: z.array(z.number()) }))
    .min(1),
});
export type ModelCard = z.output<typeof modelCardSchema>;

/** The version of a model: a hash of its bytes. */
export function modelVersionOf(onnx: Uint8Array): ModelVersion {
  return `mdl_${createHash("sha256").update(onnx).digest("hex").slice(0, 12)}` as ModelVersion;
}
