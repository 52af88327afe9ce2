/** Dead letters as an administrator sees them: messages that no consumer took, kept until they are sent again or purged. */
import * as z from "zod";
import { instantSchema, regionIdSchema } from "./names.ts";
import { readableEventSchema } from "./readable-events.ts";
import { CONTENT_TYPES, SOURCE_QUEUES } from "./set-aside.ts";

/** "unknown": the message says nothing of where it came from, so it cannot go back there. */
export const DEAD_LETTER_QUEUES = [...SOURCE_QUEUES, "unknown"] as const;
export type DeadLetterQueue = (typeof DEAD_LETTER_QUEUES)[number];

/** `retries_exhausted`: its consumer failed it to the last try. `unreadable`: its consumer could not make sense of it. */
export const DEAD_LETTER_REASONS = ["retries_exhausted", "unreadable"] as const;
export type DeadLetterReason = (typeof DEAD_LETTER_REASONS)[number];

/** `waiting` for someone to decide; `redriven`, and not back since; `purged`, and shown for a day when asked for. */
export const DEAD_LETTER_STATES = ["waiting", "redriven", "purged"] as const;
export type DeadLetterState = (typeof DEAD_LETTER_STATES)[number];

export const deadLetterIdSchema = z
  .string()
  .regex(/^dl_[\w-]{22}$/, "Not the id of a dead letter, such as dl_ and 22 characters.");

const selection = {
  region_id: regionIdSchema.optional(),
  reason: z.enum(DEAD_LETTER_REASONS).optional(),
  /** When it arrived last: from here, inclusive. */
  since: instantSchema.optional(),
  /** When it arrived last: up to here, exclusive. */
  until: instantSchema.optional(),
};
const state = z.enum(DEAD_LETTER_STATES);

export const deadLettersQuerySchema = z.strictObject({
  queue: z.enum(DEAD_LETTER_QUEUES).optional(),
  ...selection,
  /** Without it all that are not purged. */
  state: state.optional(),
  /** `next` of the page before. */
  after: z.string().max(200).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

/** How many of a selection one request deals with. */
const most = z.int().min(1).max(500).default(100);

export const redriveRequestSchema = z.strictObject({
  queue: z.enum(SOURCE_QUEUES),
  ...selection,
  limit: most,
});

export const purgeRequestSchema = z.strictObject({
  queue: z.enum(DEAD_LETTER_QUEUES),
  ...selection,
  state: state.exclude(["purged"]).optional(),
  limit: most,
});

export const MAX_SELECTION_BODY_BYTES = 4 * 1024;

export const deadLetterSchema = z.object({
  id: z.string(),
  queue: z.enum(DEAD_LETTER_QUEUES),
  region_id: z.string().nullable(),
  reason: z.enum(DEAD_LETTER_REASONS),
  /** What is known of the fault. */
  detail: z.string(),
  state,
  first_at: z.string(),
  last_at: z.string(),
  /** How often it became a dead letter. */
  deliveries: z.int(),
  /** Size of the message. */
  bytes: z.int(),
  /** How often it was sent back. */
  redrives: z.int(),
  redriven_at: z.string().nullable(),
});
export type DeadLetter = z.infer<typeof deadLetterSchema>;

export const deadLettersAnswerSchema = z.object({
  dead_letters: z.array(deadLetterSchema),
  /** For `after` of the next page; null on the last. */
  next: z.string().nullable(),
});

const eventsShape = {
  events: z.array(readableEventSchema),
  /** Events beyond those that are shown. */
  events_left_out: z.int(),
};

/** What is in a message, by what it is. */
export const deadLetterContentSchema = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("parcel"),
    outbox: z.string(),
    epoch: z.int(),
    number: z.int(),
    received_at: z.string(),
    ...eventsShape,
  }),
  z.object({ kind: z.literal("late_events"), arrived_at: z.string(), ...eventsShape }),
  z.object({
    kind: z.literal("decisions"),
    decisions: z.array(z.record(z.string(), z.unknown())),
    decisions_left_out: z.int(),
  }),
  z.object({
    kind: z.literal("raw"),
    content_type: z.enum(CONTENT_TYPES),
    base64: z.string(),
    /** Bytes of the message that are not shown. */
    bytes_left_out: z.int(),
  }),
]);
export type DeadLetterContent = z.infer<typeof deadLetterContentSchema>;

export const deadLetterAnswerSchema = deadLetterSchema.extend({ content: deadLetterContentSchema });

export const redrivenAnswerSchema = z.object({
  redriven: z.int(),
  /** Of the same selection, still waiting. */
  remaining: z.int(),
});
export const purgedAnswerSchema = z.object({
  purged: z.int(),
  /** Of the same selection, still there. */
  remaining: z.int(),
});

/** One redrive or purge: who, when, of what. */
export const deadLetterActionSchema = z.object({
  at: z.string(),
  /** Id of the key that did it. */
  by: z.string(),
  action: z.enum(["redrive", "purge"]),
  /** An id, or the filter. */
  selection: z.record(z.string(), z.unknown()),
  /** Dead letters it took effect on; null when it is not known to have ended. */
  affected: z.int().nullable(),
});
export type DeadLetterAction = z.infer<typeof deadLetterActionSchema>;
export const deadLetterActionsAnswerSchema = z.object({
  actions: z.array(deadLetterActionSchema),
});
