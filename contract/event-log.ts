/**
 * The event log: everything the outboxes stored, as segments in object storage, and how it is read.
 *
 * A writer is one life of an outbox's storage, `<outbox name>-<epoch>`. Its segments are numbered from 1 without gaps and never
 * change, so a reader keeps one number a writer. What is past its retention is deleted from the front.
 * A segment is log records (contract/log-records.ts) laid end to end.
 */
import * as z from "zod";
import { logRecordsOf } from "./log-records.ts";
import { instantText } from "./names.ts";

/** The media type of a segment. */
export const SEGMENT_CONTENT_TYPE = "application/octet-stream";

export const MAX_SEGMENTS_LISTED = 1_000;
const DEFAULT_SEGMENTS_LISTED = 100;

const PREFIX = "log/";
const SEQUENCE_DIGITS = 12;

export const EVENT_LOG_PREFIX = PREFIX;

/** Everything before the sequence in the keys of a writer's segments. */
export const writerPrefix = (writer: string) => `${PREFIX}${writer}/`;

/** R2 key of a segment. Keys of a writer sort as their sequences do. */
export function segmentKey(writer: string, sequence: number): string {
  return `${writerPrefix(writer)}${String(sequence).padStart(SEQUENCE_DIGITS, "0")}`;
}

/** The sequence in a key of `writer`; null when it is none of a segment. */
export function sequenceOf(key: string, writer: string): number | null {
  const prefix = writerPrefix(writer);
  if (!key.startsWith(prefix)) return null;
  const digits = key.slice(prefix.length);
  return /^\d{12}$/.test(digits) ? Number(digits) : null;
}

export const logWriterSchema = z
  .string()
  .regex(
    /^[a-z0-9-]{1,80}-\d{1,10}$/,
    "A writer is the name of an outbox, a hyphen and its epoch.",
  );

/** A number as a path or a query writes it. */
const wholeNumber = (schema: z.ZodInt) =>
  z
    .string()
    .regex(/^\d{1,12}$/, "Not a whole number.")
    .transform(Number)
    .pipe(schema);

export const segmentSequenceSchema = wholeNumber(z.int().min(1));

export const segmentsQuerySchema = z.strictObject({
  /** Sequence of the last segment already read; 0 for none. */
  after: wholeNumber(z.int().min(0)).default(0),
  limit: wholeNumber(z.int().min(1).max(MAX_SEGMENTS_LISTED)).default(DEFAULT_SEGMENTS_LISTED),
});

/** GET /admin/v1/event-log */
export const logWritersAnswerSchema = z.object({
  writers: z.array(
    z.object({
      writer: z.string(),
    }),
  ),
});
export type LogWritersAnswer = z.infer<typeof logWritersAnswerSchema>;

export const segmentSchema = z.object({
  sequence: z.int(),
  bytes: z.int(),
  /** Log records in it. */
  records: z.int(),
  /** Wall clock of the store. */
  written_at: z.string(),
  /** Event clock: the least and the greatest time of its records, which are when the door accepted them. */
  first_at: z.string(),
  last_at: z.string(),
});
export type Segment = z.infer<typeof segmentSchema>;

/** GET /admin/v1/event-log/{writer}: in order of their sequence. One that is missing between two was lost or is past its retention. */
export const segmentsAnswerSchema = z.object({
  writer: z.string(),
  segments: z.array(segmentSchema),
  /** There are more after the last of these. */
  more: z.boolean(),
});
export type SegmentsAnswer = z.infer<typeof segmentsAnswerSchema>;

/** What the store keeps beside a segment, so that a list of segments tells what is in them. */
export const segmentMetadataSchema = z.object({
  records: z.string().regex(/^\d+$/),
  first_at: z.string(),
  last_at: z.string(),
});
export type SegmentMetadata = z.infer<typeof segmentMetadataSchema>;

/** A pure function of the bytes, like the segment itself. */
export function segmentMetadataOf(bytes: Uint8Array): SegmentMetadata {
  let records = 0;
  let firstAt = Number.POSITIVE_INFINITY;
  let lastAt = Number.NEGATIVE_INFINITY;
  for (const { at } of logRecordsOf(bytes)) {
    records++;
    firstAt = Math.min(firstAt, at);
    lastAt = Math.max(lastAt, at);
  }
  return {
    records: String(records),
    first_at: instantText(firstAt),
    last_at: instantText(lastAt),
  };
}
