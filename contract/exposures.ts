/** Exposures: who was told a price of an experiment first, and which variant's. On the queue, and for the origin. */
import * as z from "zod";
import { experimentIdSchema, variantNameSchema } from "./experiments.ts";

/** One user's first price in an experiment, as it travels from the isolate to the store. */
export interface ExposureRecord {
  experimentId: string;
  /** 16 hex digits: the hash that events carry too. */
  userHash: string;
  variant: string;
  regionId: string;
  productType: string;
  /** The decision whose price was told. */
  decisionId: string;
  /** Event clock: outcomes after it are the experiment's. */
  exposedAt: number;
  /** Wall clock. */
  loggedAt: number;
}

const userHashSchema = z.string().regex(/^[0-9a-f]{16}$/, "Not a hash of a user.");

const exposureRecordSchema = z.object({
  experimentId: experimentIdSchema,
  userHash: userHashSchema,
  variant: variantNameSchema,
  regionId: z.string(),
  productType: z.string(),
  decisionId: z.string(),
  exposedAt: z.int(),
  loggedAt: z.int(),
}) satisfies z.ZodType<ExposureRecord>;

const exposureMessageSchema = z.strictObject({ exposures: z.array(exposureRecordSchema) });
export type ExposureMessage = z.output<typeof exposureMessageSchema>;

/** How the JSON of a message of exposures begins; no other message of the queue `decisions` does. */
const MESSAGE_START = '{"exposures":';

/** Exposures as a message of the queue `decisions`. */
export function exposureMessage(exposures: readonly ExposureRecord[]): string {
  return JSON.stringify({ exposures });
}

/** The exposures of a message; null when it is none of them. */
export function exposuresIn(text: string): ExposureMessage | null {
  if (!text.startsWith(MESSAGE_START)) return null;
  try {
    const parsed = exposureMessageSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

export const MAX_EXPOSURES_PAGE = 5_000;

export const exposuresQuerySchema = z.strictObject({
  experiment: experimentIdSchema,
  /** `next` of the page before. */
  after: userHashSchema.optional(),
  limit: z.coerce.number().int().min(1).max(MAX_EXPOSURES_PAGE).default(1_000),
});

export const exposureSchema = z.object({
  user_hash: userHashSchema,
  variant: z.string(),
  region_id: z.string(),
  product_type: z.string(),
  decision_id: z.string(),
  /** Event clock. */
  exposed_at: z.string(),
  /** Wall clock. */
  logged_at: z.string(),
});

export const exposuresAnswerSchema = z.object({
  experiment: z.string(),
  /** By user hash. */
  exposures: z.array(exposureSchema),
  /** For `after` of the next page; null on the last. */
  next: z.string().nullable(),
});
export type ExposuresAnswer = z.infer<typeof exposuresAnswerSchema>;
