import { z } from "zod";
import { virtualClockSchema } from "../../contract/clock.ts";

/** What the feed is told when it is started: JSON in the variable FEED_CONFIGURATION. */
export const feedConfigurationSchema = z.strictObject({
  /** Base URL of ingest, without the path. */
  ingestUrl: z.url(),
  ingestKey: z.string().min(1),
  demo: z.discriminatedUnion("name", [
    /** Recorded days on a virtual clock. */
    z.strictObject({ name: z.literal("nyc"), clock: virtualClockSchema }),
    /** Load of this mean rate on the wall clock. */
    z.strictObject({ name: z.literal("synthetic"), eventsPerS: z.number().positive() }),
  ]),
  /** The file that remembers how far the feed has come; its folder exists. */
  cursorFile: z.string().min(1),
  seed: z.int(),
});
export type FeedConfiguration = z.infer<typeof feedConfigurationSchema>;

export const FEED_CONFIGURATION_VARIABLE = "FEED_CONFIGURATION";
