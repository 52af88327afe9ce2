/** CloudEvents 1.0 around events: what of an envelope is read. */
import * as z from "zod";
import { MAX_EVENTS_PER_REQUEST } from "./events.ts";

export const CLOUD_EVENT_TYPE_PREFIX = "pricing.events.";

/** The JSON format allows null for an attribute that is not there. */
const optional = z.string().min(1).nullish();

/** The attributes that mean something here; others, and extensions, may be there and are not kept. */
export const cloudEventSchema = z.looseObject({
  specversion: z.literal("1.0"),
  id: z.string().min(1),
  /** A URI reference, so there is no space in it. */
  source: z.string().regex(/^\S+$/, "A source is a URI reference such as /apps/rider."),
  /** `pricing.events.` and the event type, or the event type alone. */
  type: z.string().min(1),
  /** The region. */
  subject: optional,
  time: optional,
  datacontenttype: optional,
  data: z.unknown().optional(),
  /** Data in another format, such as Protobuf, which `datacontenttype` then names. */
  data_base64: z.base64().nullish(),
});
export type CloudEvent = z.output<typeof cloudEventSchema>;

export const cloudEventBatchSchema = z.array(cloudEventSchema).min(1).max(MAX_EVENTS_PER_REQUEST);
