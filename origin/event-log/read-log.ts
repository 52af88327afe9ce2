/**
 * One reader's way through the event log: range by range, each done with once.
 *
 * The range is stored before it is begun and its end with the cursor when it is done, so that a crash at any point repeats
 * the same range. A sink that gives equal files, or messages with equal ids, for equal ranges makes that once in effect.
 */
import type { BatchItem } from "drizzle-orm/batch";
import type { Segment } from "../../contract/event-log.ts";
import { type EpochMs, MINUTE_MS } from "../../domain/units.ts";
import type { OriginDatabase } from "../database/open-database.ts";
import { type EdgeFault, isEdgeFault } from "../edge/ask-edge.ts";
import type { EventLogClient } from "../edge/event-log-client.ts";
import {
  type LogCursor,
  type LogLoss,
  type LogReader,
  loadCursor,
  recordLoss,
  storeCursor,
} from "./log-cursors.ts";
import { nextRange, type RangeBounds } from "./next-range.ts";

/** A statement that is part of the transaction which moves the cursor. */
export type Statement = BatchItem<"sqlite">;

/** What takes the segments of a range, one after the other. */
export interface SegmentSink {
  begin(writer: string, first: number, last: number): Promise<void>;
  /** What is wrong with bytes that should be a segment of this log; null when nothing is. */
  faultOf(bytes: Uint8Array): string | null;
  take(sequence: number, bytes: Uint8Array): Promise<void>;
  /** Takes bytes that are no segment, to be looked at. */
  setAside(writer: string, sequence: number, bytes: Uint8Array): Promise<void>;
  /** Makes durable what was taken. What it returns is recorded together with the cursor. */
  finish(): Promise<Statement[]>;
  /** The range is done with. */
  committed(): void;
}

export interface LogReading {
  reader: LogReader;
  client: EventLogClient;
  database: OriginDatabase;
  sink: SegmentSink;
  bounds: RangeBounds;
  wallNow(): EpochMs;
  /** Hears, once, that segments are missing before others that are there. */
  onGap(gap: { writer: string; first: number; last: number }): void;
  /** Hears of what a reader goes past without having read it. */
  onLoss(loss: LogLoss): void;
}

/** What became of one step with one writer. */
export interface LogStep {
  segments: number;
  bytes: number;
  /** Segments listed and not done with, and since when the first of them is there; null when there is none. */
  behind: { segments: number; since: number } | null;
}

/** A missing segment is waited for so long before the reader goes past it. */
export const GAP_PATIENCE_MS = MINUTE_MS;
const LISTED_AT_ONCE = 1_000;

/** Reads the next range of a writer, if there is one. */
export async function readNextRange(
  reading: LogReading,
  writer: string,
): Promise<LogStep | EdgeFault> {
  const { reader, client, database, bounds } = reading;
  const cursor = await loadCursor(database, reader, writer);
  const listed = await client.listSegments(writer, cursor.sequence, LISTED_AT_ONCE);
  if (isEdgeFault(listed)) return listed;
  const next = nextRange(cursor, listed.segments, bounds);
  if (next.kind === "none") return { segments: 0, bytes: 0, behind: null };
  if (next.kind === "gap") {
    await meetGap(reading, writer, cursor, next);
    return { segments: 0, bytes: 0, behind: behindOf(listed.segments) };
  }
  const bytes = await takeRange(reading, writer, next.segments);
  if (isEdgeFault(bytes)) return bytes;
  const behind = behindOf(listed.segments.slice(next.segments.length));
  return { segments: next.segments.length, bytes, behind };
}

async function takeRange(
  { reader, client, database, sink, wallNow, onLoss }: LogReading,
  writer: string,
  segments: readonly Segment[],
): Promise<number | EdgeFault> {
  const first = segments[0]?.sequence ?? 0;
  const last = first + segments.length - 1;
  const before = { sequence: first - 1, readingTo: last, gapNoticedAt: null };
  await storeCursor(database, reader, writer, before);
  await sink.begin(writer, first, last);
  const losses: LogLoss[] = [];
  let total = 0;
  let coming = client.readSegment(writer, first);
  for (let sequence = first; sequence <= last; sequence++) {
    const bytes = await coming;
    if (isEdgeFault(bytes)) return bytes;
    // The next one is on its way while this one is taken in.
    if (sequence < last) coming = client.readSegment(writer, sequence + 1);
    const detail = sink.faultOf(bytes);
    if (detail === null) {
      await sink.take(sequence, bytes);
      total += bytes.byteLength;
    } else {
      await sink.setAside(writer, sequence, bytes);
      losses.push({ writer, first: sequence, last: sequence, reason: "unreadable", detail });
    }
  }
  const notedAt = new Date(wallNow());
  await database.batch([
    storeCursor(database, reader, writer, { sequence: last, readingTo: null, gapNoticedAt: null }),
    ...losses.map((loss) => recordLoss(database, reader, loss, notedAt)),
    ...(await sink.finish()),
  ]);
  sink.committed();
  losses.forEach(onLoss);
  return total;
}

/** Says that segments are missing; goes past them when they do not come. */
async function meetGap(
  { reader, database, wallNow, onGap, onLoss }: LogReading,
  writer: string,
  cursor: LogCursor,
  { first, last }: { first: number; last: number },
): Promise<void> {
  const now = wallNow();
  if (cursor.gapNoticedAt === null) {
    await storeCursor(database, reader, writer, { ...cursor, gapNoticedAt: new Date(now) });
    onGap({ writer, first, last });
    return;
  }
  if (now - cursor.gapNoticedAt.getTime() < GAP_PATIENCE_MS) return;
  const detail = "later segments are there, these are not: lost, or past their retention";
  const loss: LogLoss = { writer, first, last, reason: "missing", detail };
  await database.batch([
    storeCursor(database, reader, writer, { sequence: last, readingTo: null, gapNoticedAt: null }),
    recordLoss(database, reader, loss, new Date(now)),
  ]);
  onLoss(loss);
}

function behindOf(segments: readonly Segment[]): LogStep["behind"] {
  const [first] = segments;
  return first ? { segments: segments.length, since: Date.parse(first.written_at) } : null;
}
