import { z } from "zod";
import { virtualClockSchema } from "../../contract/clock.ts";

const varsSchema = z.record(z.string(), z.string());

/** What the stack is told when it is started: JSON in the variable STACK_CONFIGURATION. Secrets it reads from the data dir. */
export const stackConfigurationSchema = z.strictObject({
  host: z.string().min(1),
  ports: z.strictObject({ pricing: z.int(), ingest: z.int(), aggregator: z.int() }),
  dataDir: z.string().min(1),
  /** Null: event time is the wall clock's. */
  clock: virtualClockSchema.nullable(),
  /** By Worker: variables in place of those of its wrangler.toml. */
  vars: z.strictObject({ pricing: varsSchema, ingest: varsSchema, aggregator: varsSchema }),
});
export type StackConfiguration = z.infer<typeof stackConfigurationSchema>;

export const STACK_CONFIGURATION_VARIABLE = "STACK_CONFIGURATION";
