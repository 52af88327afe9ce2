/**
 * The decision log: every decision whole, as segments in object storage, and how the origin reads it.
 *
 * A segment is lines of JSON, one record each; docs/decisions/0012 says why they do not lie in the database. Segments are numbered from 1
 * without gaps in the order in which they were committed, and never change. Isolates decide alike and queues deliver again, so a decision may
 * stand in several: its id says that it is the same, and the first one counts.
 */
import * as z from "zod";
import { SOURCES } from "../domain/decision.ts";
import { segmentSchema, segmentsQuerySchema } from "./event-log.ts";

/** The media type of a segment. */
export const DECISION_SEGMENT_CONTENT_TYPE = "application/x-ndjson";

const PREFIX = "decisions/";

/** R2 key of a segment. Equal content on an equal day gives an equal key. */
export function decisionSegmentKey(date: string, contentHash: string): string {
  return `${PREFIX}${date}/${contentHash}`;
}

/** What is read of a record by those who keep it; all else in it stays as it is. */
export const loggedDecisionSchema = z.looseObject({
  id: z.string().min(1).max(2_000),
  /** Wall clock, milliseconds. */
  decidedAt: z.int().min(0),
  decision: z.looseObject({
    key: z.looseObject({
      regionId: z.string(),
      productType: z.string(),
      tick: z.int(),
      rulesVersion: z.string(),
      modelVersion: z.string().nullish(),
      source: z.enum(SOURCES),
      priceMinor: z.int(),
      experiment: z.looseObject({ id: z.string(), variant: z.string() }).nullish(),
    }),
    price: z.looseObject({ currency: z.string(), surgeMultiplier: z.number() }),
  }),
});
export type LoggedDecision = z.infer<typeof loggedDecisionSchema>;

const loggedDecisionsSchema = z.array(loggedDecisionSchema);

/**
 * The decisions of a message of the queue `decisions`, each as it was written: what a schema gives out has its fields in another order, and a
 * decision that is made again is compared letter by letter. Null when the text is something else.
 */
export function loggedDecisionsIn(text: string): LoggedDecision[] | null {
  const json = jsonIn(text);
  return loggedDecisionsSchema.safeParse(json).success ? (json as LoggedDecision[]) : null;
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export { segmentsQuerySchema as decisionSegmentsQuerySchema };

/** GET /admin/v1/decision-log: in order of their sequence; times are of the wall clock. */
export const decisionSegmentsAnswerSchema = z.object({
  segments: z.array(segmentSchema),
  /** There are more after the last of these. */
  more: z.boolean(),
});
export type DecisionSegmentsAnswer = z.infer<typeof decisionSegmentsAnswerSchema>;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The records of a segment, in order, each with its text. Throws on bytes that are no segment. */
export function* decisionsOf(
  bytes: Uint8Array,
): Generator<{ record: LoggedDecision; text: string }> {
  for (const text of decoder.decode(bytes).split("\n")) {
    if (text === "") continue;
    const record: unknown = JSON.parse(text);
    loggedDecisionSchema.parse(record);
    yield { record: record as LoggedDecision, text };
  }
}
