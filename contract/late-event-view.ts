/** GET /admin/v1/late-events: what came past the allowed lateness, and counts in no window. */
import * as z from "zod";
import { instantSchema, regionIdSchema } from "./names.ts";
import { readableEventSchema } from "./readable-events.ts";

export const lateEventsQuerySchema = z.strictObject({
  region_id: regionIdSchema.optional(),
  /** When it arrived, by the event clock: from here, inclusive. */
  since: instantSchema.optional(),
  /** When it arrived, by the event clock: up to here, exclusive. */
  until: instantSchema.optional(),
  /** `next` of the page before. */
  after: z.string().max(200).optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
});

export const lateEventSchema = readableEventSchema.extend({
  region_id: z.string(),
  /** Event clock of the region when the event came to it. */
  arrived_at: z.string(),
  /** Seconds from when it happened to when it came. */
  late_by_s: z.number(),
});
export type LateEvent = z.infer<typeof lateEventSchema>;

export const lateEventsAnswerSchema = z.object({
  late_events: z.array(lateEventSchema),
  /** For `after` of the next page; null on the last. */
  next: z.string().nullable(),
  /** All that fit the query, by region, the 200 regions that have most; null on pages after the first. */
  counts: z
    .array(
      z.object({
        region_id: z.string(),
        events: z.int(),
        mean_late_by_s: z.number(),
        max_late_by_s: z.number(),
      }),
    )
    .nullable(),
});
export type LateEventsAnswer = z.infer<typeof lateEventsAnswerSchema>;
