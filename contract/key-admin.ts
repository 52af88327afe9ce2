/** What whoever manages keys sends and is told. A key itself is in the answer to its making and its rotation, and nowhere else. */
import * as z from "zod";
import { keyIdSchema, keyPolicyShape, PUBLIC_KEY_RULE } from "./api-keys.ts";
import { instantSchema } from "./names.ts";

export const MAX_KEY_BODY_BYTES = 64 * 1024;
/** Managed keys that are in force at the same time: all of them are in every isolate. */
export const MAX_MANAGED_KEYS = 1_000;
const DAY_S = 24 * 60 * 60;
const MAX_GRACE_S = 30 * DAY_S;

export const keyRequestSchema = z
  .strictObject({
    /** What it is for. */
    name: z.string().min(1).max(100),
    ...keyPolicyShape,
    expires_at: instantSchema.exactOptional(),
  })
  .refine(PUBLIC_KEY_RULE.check, { error: PUBLIC_KEY_RULE.error, path: ["public"] });
export type KeyRequest = z.output<typeof keyRequestSchema>;

export const rotateRequestSchema = z.strictObject({
  /** How long the key that there is stays good beside the new one, in seconds. */
  grace_period_s: z.int().min(0).max(MAX_GRACE_S).default(DAY_S),
});

export const keysQuerySchema = z.strictObject({
  /** `next` of the page before. */
  after: z.string().max(200).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(100),
});

export const KEY_STATES = ["active", "expired", "revoked"] as const;

const keyDescription = {
  id: keyIdSchema,
  name: z.string(),
  role: keyPolicyShape.role,
  /** Null for all. */
  regions: z.array(z.string()).nullable(),
  public: z.boolean(),
  limits: z.record(z.string(), z.unknown()).nullable(),
  state: z.enum(KEY_STATES),
  created_at: z.string(),
  /** Id of the key that made it. */
  created_by: z.string(),
  expires_at: z.string().nullable(),
  revoked_at: z.string().nullable(),
  /** The start of each key that is good for it, the newest first, and until when. */
  secrets: z.array(
    z.object({ prefix: z.string(), created_at: z.string(), valid_until: z.string().nullable() }),
  ),
};

export const keyAnswerSchema = z.object(keyDescription);
export type KeyAnswer = z.infer<typeof keyAnswerSchema>;

/** With the key, which nobody can be told again. */
export const newKeyAnswerSchema = z.object({ key: z.string(), ...keyDescription });
export type NewKeyAnswer = z.infer<typeof newKeyAnswerSchema>;

export const keysAnswerSchema = z.object({
  keys: z.array(keyAnswerSchema),
  /** For `after` of the next page; null on the last. */
  next: z.string().nullable(),
  /** Keys of the secret API_KEYS, which only a new secret changes; on the first page. */
  deployed: z
    .array(
      z.object({
        id: z.string(),
        role: keyPolicyShape.role,
        regions: z.array(z.string()).nullable(),
        public: z.boolean(),
      }),
    )
    .nullable(),
});
