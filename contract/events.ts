/** POST /api/v1/events: what an event looks like, and what comes back. */
import * as z from "zod";
import { instantSchema, personIdSchema, productTypeSchema, regionIdSchema } from "./names.ts";
import { type FieldError, fieldErrorsFrom } from "./problem.ts";

export const MAX_EVENTS_PER_REQUEST = 500;
export const MAX_EVENTS_BODY_BYTES = 1024 * 1024;
export const MAX_METADATA_BYTES = 4 * 1024;

/** Schemas of events that the service hands out. */
export const EVENT_SCHEMA_NAMES = ["event.avsc", "events.proto"] as const;

const count = z.number().int().min(0).max(1_000_000);
const share = z.number().min(0).max(1);
const anything = z.record(z.string(), z.unknown());
const positive = z.number().int().min(1).max(1_000_000).default(1);

const common = {
  region_id: regionIdSchema,
  timestamp: instantSchema,
  idempotency_key: z.string().min(1).max(128),
  user_id: personIdSchema.optional(),
  product_type: productTypeSchema.optional(),
  quantity: positive,
};

function typed<Type extends string, Metadata extends z.ZodType>(type: Type, metadata: Metadata) {
  return z.strictObject({ event_type: z.literal(type), ...common, metadata });
}

const free = anything.default({});

/** One event; `metadata` is checked where the type gives it a meaning, and is otherwise free. */
export const eventSchema = z.discriminatedUnion("event_type", [
  typed("search", free),
  typed("view", free),
  typed("booking", free),
  typed("cancellation", free),
  typed("supply_update", z.looseObject({ available: count, busy: count })),
  typed(
    "driver_location",
    z.looseObject({ driver_id: personIdSchema, status: z.enum(["available", "busy", "offline"]) }),
  ),
  typed(
    "weather",
    z.looseObject({ temp_f: z.number().min(-100).max(150), precip_in: z.number().min(0).max(20) }),
  ),
  typed("traffic", z.looseObject({ index: share })),
  typed(
    "local_event",
    z.looseObject({ score: share, ends_at: z.iso.datetime({ offset: true }).optional() }),
  ),
  typed("holiday", z.looseObject({ name: z.string().min(1).max(128) })),
  typed("sale", free).extend({
    quantity: z
      .number()
      .int()
      .min(-1_000_000)
      .max(1_000_000)
      .refine((quantity) => quantity !== 0, "A sale has a quantity; a return has a negative one.")
      .default(1),
  }),
  typed(
    "stock_level",
    z.looseObject({ on_hand: count, daily_sales: z.number().min(0).max(1_000_000).optional() }),
  ),
  typed(
    "price_change",
    z.looseObject({ price: z.number().min(0), competitor: z.string().min(1).max(64).optional() }),
  ),
]);

/** What all events share, whatever their type. */
const commonSchema = z.strictObject({
  event_type: z.unknown(),
  ...common,
  metadata: anything.optional(),
});

/** Each field of an event that does not fit. An unknown type keeps the schema from looking further; this looks. */
export function eventFieldErrors(event: unknown, error: z.ZodError): FieldError[] {
  const errors = fieldErrorsFrom(error);
  if (errors.every(({ path }) => path !== "event_type")) return errors;
  const others = commonSchema.safeParse(event);
  return others.success ? errors : [...errors, ...fieldErrorsFrom(others.error)];
}

/** An event as a client writes it. */
export type EventInput = z.input<typeof eventSchema>;
/** An event that passed the schema: defaults filled in, the timestamp an instant. */
export type ParsedEvent = z.output<typeof eventSchema>;

export const rejectedEventSchema = z.object({
  index: z.number().int(),
  type: z.enum([
    "invalid_event",
    "unknown_region",
    "forbidden_region",
    "timestamp_ahead",
    "rate_limited",
  ]),
  detail: z.string(),
  errors: z.array(z.object({ path: z.string(), detail: z.string() })).optional(),
});
export type RejectedEvent = z.infer<typeof rejectedEventSchema>;
/** Why an event was refused, wherever it stood. */
export type EventRejection = Omit<RejectedEvent, "index">;

export const eventsAnswerSchema = z.object({
  accepted: z.number().int(),
  rejected: z.array(rejectedEventSchema),
});
export type EventsAnswer = z.infer<typeof eventsAnswerSchema>;
