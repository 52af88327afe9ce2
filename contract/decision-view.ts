/** Decisions as the audit sees them: GET /admin/v1/decisions and its export. */
import * as z from "zod";
import { SOURCES } from "../domain/decision.ts";
import { decimalFrom } from "../domain/money.ts";
import { experimentIdSchema, variantNameSchema } from "./experiments.ts";
import { instantSchema, instantText, productTypeSchema, regionIdSchema } from "./names.ts";

/** What decisions are looked for by. All of it must hold; times are of the wall clock, `since` inclusive, `until` exclusive. */
const selectionShape = {
  region_id: regionIdSchema.optional(),
  product_type: productTypeSchema.optional(),
  since: instantSchema.optional(),
  until: instantSchema.optional(),
  rules_version: z.string().max(64).optional(),
  model_version: z.string().max(64).optional(),
  source: z.enum(SOURCES).optional(),
  experiment: experimentIdSchema.optional(),
  /** Of the experiment. */
  variant: variantNameSchema.optional(),
};

const pageShape = {
  /** `next` of the page before. */
  after: z.string().max(200).optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
};

const variantNeedsExperiment = <
  Selection extends { variant?: string | undefined; experiment?: string | undefined },
>({
  variant,
  experiment,
}: Selection) => variant === undefined || experiment !== undefined;
const NEEDS_EXPERIMENT = { error: "A variant is one of an experiment.", path: ["variant"] };

const selectionSchema = z.strictObject(selectionShape);
export type DecisionSelection = z.output<typeof selectionSchema>;

export const decisionsQuerySchema = z
  .strictObject({ ...selectionShape, ...pageShape })
  .refine(variantNeedsExperiment, NEEDS_EXPERIMENT);

export const EXPORT_FORMATS = ["ndjson", "csv"] as const;
export const decisionsExportQuerySchema = z
  .strictObject({ ...selectionShape, format: z.enum(EXPORT_FORMATS).default("ndjson") })
  .refine(variantNeedsExperiment, NEEDS_EXPERIMENT);

/** A decision in a list: what was decided and by what. Explain says why. */
export const listedDecisionSchema = z.object({
  decision_id: z.string(),
  /** When the log first had it, wall clock. */
  decided_at: z.string(),
  region_id: z.string(),
  product_type: z.string(),
  price: z.number(),
  currency: z.string(),
  surge_multiplier: z.number(),
  source: z.enum(SOURCES),
  /** Number of the region's snapshot; 0 when none could be had. */
  tick: z.int(),
  rules_version: z.string(),
  model_version: z.string().nullable(),
  experiment: z.string().nullable(),
  variant: z.string().nullable(),
});
export type ListedDecision = z.infer<typeof listedDecisionSchema>;

export const decisionsAnswerSchema = z.object({
  /** The newest first. */
  decisions: z.array(listedDecisionSchema),
  /** For `after` of the next page; null on the last. */
  next: z.string().nullable(),
});
export type DecisionsAnswer = z.infer<typeof decisionsAnswerSchema>;

/** What a list takes of a decision. */
export interface DecisionFacts {
  id: string;
  decidedAt: number;
  regionId: string;
  productType: string;
  tick: number;
  rulesVersion: string;
  modelVersion: string | null;
  source: (typeof SOURCES)[number];
  experiment: string | null;
  variant: string | null;
  priceMinor: number;
  currency: string;
  surgeMultiplier: number;
}

/** A decision as a list shows it. */
export function listedDecisionFrom(facts: DecisionFacts): ListedDecision {
  const { currency } = facts;
  return {
    decision_id: facts.id,
    decided_at: instantText(facts.decidedAt),
    region_id: facts.regionId,
    product_type: facts.productType,
    price: decimalFrom(facts.priceMinor as Parameters<typeof decimalFrom>[0], currency),
    currency,
    surge_multiplier: facts.surgeMultiplier,
    source: facts.source,
    tick: facts.tick,
    rules_version: facts.rulesVersion,
    model_version: facts.modelVersion,
    experiment: facts.experiment,
    variant: facts.variant,
  };
}
