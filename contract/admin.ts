/** What an administrator sends and is told: models, rules, regions, history, and who changed what. */
import * as z from "zod";
import type { EpochMs } from "../domain/units.ts";
import { emergencyDocumentSchema } from "./emergency.ts";
import { snapshotInputsSchema } from "./explain.ts";
import { errorMetricsSchema } from "./model.ts";
import { instantSchema, productTypeSchema } from "./names.ts";
import { regionsDocumentSchema } from "./regions.ts";
import type { HistorySeed } from "./rpc.ts";
import { rulesDocumentSchema, rulesVersionSchema } from "./rules.ts";

export const MAX_RULES_BODY_BYTES = 1024 * 1024;
export const MAX_EMERGENCY_BODY_BYTES = 1024 * 1024;
export const MAX_REGIONS_BODY_BYTES = 4 * 1024 * 1024;
export const MAX_HISTORY_BODY_BYTES = 256 * 1024;
/** Room for the card and the seams of the form, beside the model itself. */
export const MAX_MODEL_FORM_OVERHEAD_BYTES = 1024 * 1024;

/** The answer to a change of what is in force: the version that now is, and the one that was. */
export const publishedAnswerSchema = z.object({
  version: z.string(),
  previous: z.string().nullable(),
});
export type PublishedAnswer = z.infer<typeof publishedAnswerSchema>;

export const rulesAnswerSchema = z.object({
  version: z.string(),
  document: rulesDocumentSchema,
});

export const rulesVersionsAnswerSchema = z.object({
  versions: z.array(
    z.object({
      version: z.string(),
      /** When it came into force last. */
      published_at: z.string(),
      published_by: z.string(),
      current: z.boolean(),
    }),
  ),
});

export const rollbackRequestSchema = z.strictObject({ version: rulesVersionSchema.optional() });

export const emergencyAnswerSchema = z.object({
  /** Null while no measure was ever taken. */
  version: z.string().nullable(),
  document: emergencyDocumentSchema,
});

export const regionsAnswerSchema = z.object({
  version: z.string(),
  document: regionsDocumentSchema,
});

/** Readings of one product are told where it is named. */
export const featuresQuerySchema = z.strictObject({ product_type: productTypeSchema.optional() });

/** What a region knew at its newest tick. */
export const featuresAnswerSchema = z.object({
  region_id: z.string(),
  ...snapshotInputsSchema.shape,
  made_at: z.string(),
  feature_set_version: z.string(),
  /** By product, or product and variant: the prices of the last minute, the oldest first. */
  told: z.record(z.string(), z.array(z.object({ at: z.string(), price: z.number() }))),
});
export type FeaturesAnswer = z.infer<typeof featuresAnswerSchema>;

/** The form of PUT /admin/v1/models/{version}: graph and card together, so that neither is ever there without the other. */
export const modelFormSchema = z.object({
  /** ONNX. */
  model: z.file(),
  /** JSON of a model card. */
  card: z.file(),
});

export const modelAnswerSchema = z.object({
  version: z.string(),
  registered_at: z.string(),
  registered_by: z.string(),
  created_at: z.string(),
  feature_set_version: z.string(),
  bytes: z.int(),
  /** Prices are made with it now. */
  current: z.boolean(),
  /** Error on the hours it was evaluated on. */
  hourly: errorMetricsSchema,
});
export const modelsAnswerSchema = z.object({ models: z.array(modelAnswerSchema) });
export type ModelAnswer = z.infer<typeof modelAnswerSchema>;

const QUARTER_HOUR_MS = 15 * 60_000;
/** More than a region looks back. */
const MAX_HISTORY_SLOTS = 10_000;

/** Bookings per quarter hour of the time before a region's first event. */
export const historySeedSchema = z.strictObject({
  start_at: instantSchema.refine(
    (at) => at % QUARTER_HOUR_MS === 0,
    "A history begins on a quarter hour.",
  ),
  /** The first is the quarter hour that begins at `start_at`. */
  counts: z.array(z.int().min(0).max(1_000_000)).min(1).max(MAX_HISTORY_SLOTS),
});

/** A history as the region's object takes it. */
export function historySeedFrom(input: z.output<typeof historySeedSchema>): HistorySeed {
  return { startAt: input.start_at as EpochMs, counts: input.counts };
}

export const historyAnswerSchema = z.object({
  region_id: z.string(),
  /** Quarter hours taken. */
  slots: z.int(),
});

/** What changes of are in the audit. */
export const CHANGED_THINGS = [
  "rules",
  "regions",
  "model",
  "emergency",
  "experiments",
  "key",
] as const;

/** One change of what is in force. */
export const configChangeSchema = z.object({
  /** Grows with each change. */
  id: z.int(),
  changed_at: z.string(),
  /** Id of the key that did it. */
  changed_by: z.string(),
  what: z.enum(CHANGED_THINGS),
  /** Versions; of a key what is told of it, as JSON. */
  before: z.string().nullable(),
  after: z.string(),
  /** False: it was begun, and it is not known to have taken effect. */
  applied: z.boolean(),
});
export const configChangesAnswerSchema = z.object({
  /** The newest first. */
  changes: z.array(configChangeSchema),
  /** For `after` of the next page; null on the last. */
  next: z.int().nullable(),
});
export type ConfigChange = z.infer<typeof configChangeSchema>;

export const changesQuerySchema = z.strictObject({
  what: z.enum(CHANGED_THINGS).optional(),
  /** Id of a key. */
  changed_by: z.string().max(64).optional(),
  /** Wall clock: from here, inclusive. */
  since: instantSchema.optional(),
  /** Wall clock: up to here, exclusive. */
  until: instantSchema.optional(),
  /** `next` of the page before. */
  after: z.coerce.number().int().min(1).optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
});
export type ChangeSelection = Omit<z.output<typeof changesQuerySchema>, "after" | "limit">;

export const changeIdSchema = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER);

/** One operation of RFC 6902. */
export const patchOperationSchema = z.object({
  op: z.enum(["add", "remove", "replace"]),
  /** JSON Pointer, RFC 6901. */
  path: z.string(),
  value: z.unknown(),
});

/** A change with what it changed. */
export const changedDocumentAnswerSchema = configChangeSchema.extend({
  /** Null where there was none. */
  document_before: z.unknown(),
  document_after: z.unknown(),
  /** RFC 6902: what makes the document after of the document before; null where there was none before. */
  patch: z.array(patchOperationSchema).nullable(),
});
export type ChangedDocumentAnswer = z.infer<typeof changedDocumentAnswerSchema>;
