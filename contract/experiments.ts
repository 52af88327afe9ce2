/** The experiments document as the pricing team writes it. */
import { createHash } from "node:crypto";
import * as z from "zod";
import {
  EXPERIMENT_STATUSES,
  type Experiment,
  type VersionedExperiments,
} from "../domain/experiment.ts";
import { faultsOfExperiments } from "../domain/experiment-faults.ts";
import type { ExperimentId, ModelVersion, RulesVersion } from "../domain/units.ts";
import { instantTextSchema, productTypeSchema, regionIdSchema } from "./names.ts";
import { type FieldError, fieldErrorsFrom } from "./problem.ts";

export const MAX_EXPERIMENTS_BODY_BYTES = 1024 * 1024;

export const experimentIdSchema = z
  .string()
  .regex(
    /^exp_[a-z0-9_]{1,60}$/,
    "An experiment's id is exp_ and 1 to 60 lower-case letters, digits and underscores.",
  )
  .transform((text) => text as ExperimentId);

export const variantNameSchema = z
  .string()
  .regex(
    /^[a-z0-9_]{1,32}$/,
    "A variant's name has 1 to 32 lower-case letters, digits and underscores.",
  );

const saltSchema = z.string().min(1).max(128);
const shareSchema = z.number().min(0).max(1);
const rulesVersionSchema = z
  .string()
  .regex(/^rul_[0-9a-f]{12}$/, "Not a rules version such as rul_1b2cce5959dc.")
  .transform((text) => text as RulesVersion);
const modelVersionSchema = z
  .string()
  .regex(/^mdl_[0-9a-f]{12}$/, "Not a model version such as mdl_b8351ebefe77.")
  .transform((text) => text as ModelVersion);

const variantSchema = z.strictObject({
  name: variantNameSchema,
  /** Its share of the users taken in is its weight by the sum of all weights. */
  weight: z.number().positive().max(1_000_000).default(1),
  rules_version: rulesVersionSchema.optional(),
  model_version: modelVersionSchema.optional(),
});

export const experimentSchema = z.strictObject({
  id: experimentIdSchema,
  /** For people: what is tried, and what is expected of it. */
  description: z.string().max(2_000).optional(),
  /** Decides who gets what. Once the experiment has begun it stays, as do variants and places. */
  salt: saltSchema,
  status: z.enum(EXPERIMENT_STATUSES),
  /** Absent means all. */
  for: z
    .strictObject({
      regions: z.array(regionIdSchema).min(1).max(10_000).optional(),
      products: z.array(productTypeSchema).min(1).max(64).optional(),
    })
    .default({}),
  /** Share of users taken in. Raising it only adds users. */
  traffic: shareSchema,
  /** The first is what the others are compared with. */
  variants: z.array(variantSchema).min(2).max(20),
  /** When it was started first, and stopped last; wall clock. */
  started_at: instantTextSchema.optional(),
  stopped_at: instantTextSchema.optional(),
});

export const experimentsDocumentSchema = z.strictObject({
  /** Users no experiment takes in. */
  holdout: z.strictObject({ salt: saltSchema, share: shareSchema }).optional(),
  experiments: z.array(experimentSchema).max(1_000),
});
export type ExperimentsDocumentInput = z.input<typeof experimentsDocumentSchema>;

/** The version of an experiments document: a hash of its JSON. */
export function experimentsVersionOf(json: unknown): string {
  const digest = createHash("sha256").update(JSON.stringify(json)).digest("hex");
  return `exs_${digest.slice(0, 12)}`;
}

/** Reads an experiments document from JSON, or names everything that is wrong with it, each with its path. */
export function experimentsFrom(json: unknown): VersionedExperiments | FieldError[] {
  const parsed = experimentsDocumentSchema.safeParse(json);
  if (!parsed.success) return fieldErrorsFrom(parsed.error);
  const { holdout, experiments } = parsed.data;
  const document = { holdout: holdout ?? null, experiments: experiments.map(experimentFrom) };
  const faults = faultsOfExperiments(document);
  if (faults.length > 0) return faults.map(({ path, detail }) => ({ path, detail }));
  return { version: experimentsVersionOf(json), document };
}

function experimentFrom(input: z.output<typeof experimentSchema>): Experiment {
  const { regions, products } = input.for;
  return {
    experimentId: input.id,
    salt: input.salt,
    status: input.status,
    regions: regions ? new Set(regions) : null,
    productTypes: products ? new Set(products) : null,
    traffic: input.traffic,
    variants: input.variants.map(({ name, weight, rules_version, model_version }) => ({
      name,
      weight,
      rulesVersion: rules_version ?? null,
      modelVersion: model_version ?? null,
    })),
    hasStarted: input.status === "running" || input.started_at !== undefined,
  };
}

/** POST /admin/v1/experiments/{id}/ramp */
export const rampSchema = z.strictObject({ traffic: shareSchema });

/** The document in force, as it was published. */
export const experimentsAnswerSchema = z.object({
  version: z.string(),
  document: experimentsDocumentSchema,
});
