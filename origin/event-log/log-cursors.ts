/** The positions of readers of the event log, in the origin's database. */
import { and, eq } from "drizzle-orm";
import type { OriginDatabase } from "../database/open-database.ts";
import { logCursors, logLosses } from "../database/schema.ts";
import type { LogPosition } from "./next-range.ts";

export type LogReader = (typeof logCursors.reader.enumValues)[number];
export type LossReason = (typeof logLosses.reason.enumValues)[number];

export interface LogCursor extends LogPosition {
  gapNoticedAt: Date | null;
}

/** Segments of a writer that a reader goes past without having read them. */
export interface LogLoss {
  writer: string;
  first: number;
  last: number;
  reason: LossReason;
  detail: string;
}

export async function loadCursor(
  database: OriginDatabase,
  reader: LogReader,
  writer: string,
): Promise<LogCursor> {
  const [row] = await database
    .select({
      sequence: logCursors.sequence,
      readingTo: logCursors.readingTo,
      gapNoticedAt: logCursors.gapNoticedAt,
    })
    .from(logCursors)
    .where(and(eq(logCursors.reader, reader), eq(logCursors.writer, writer)));
  return row ?? { sequence: 0, readingTo: null, gapNoticedAt: null };
}

/** The statement that stores a cursor. */
export function storeCursor(
  database: OriginDatabase,
  reader: LogReader,
  writer: string,
  cursor: LogCursor,
) {
  return database
    .insert(logCursors)
    .values({ reader, writer, ...cursor })
    .onConflictDoUpdate({ target: [logCursors.reader, logCursors.writer], set: cursor });
}

/** The statement that records a loss; the same loss again changes nothing. */
export function recordLoss(
  database: OriginDatabase,
  reader: LogReader,
  { writer, first, last, reason, detail }: LogLoss,
  notedAt: Date,
) {
  return database
    .insert(logLosses)
    .values({
      reader,
      writer,
      firstSequence: first,
      lastSequence: last,
      reason,
      detail,
      notedAt,
    })
    .onConflictDoNothing();
}
