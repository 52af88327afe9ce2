import type { Segment } from "../../contract/event-log.ts";

/** How far a reader has come with a writer. */
export interface LogPosition {
  /** The last segment that is done with; 0 before the first. */
  sequence: number;
  /** The last segment of a range that was begun and is not known to be done with. */
  readingTo: number | null;
}

export interface RangeBounds {
  /** A range holds at most so many bytes, or one segment. */
  maxBytes: number;
  maxSegments: number;
}

/** What a reader does next with a writer's segments. */
export type NextRange =
  | { kind: "none" }
  /** Without a gap, the next of the reader first. */
  | { kind: "range"; segments: Segment[] }
  /** These are not there, and later ones are. */
  | { kind: "gap"; first: number; last: number };

/**
 * The range a reader takes next, from the segments that are listed after its position.
 *
 * A range that was begun is taken again as it was, so that what is named after it is written over and not beside.
 */
export function nextRange(
  { sequence, readingTo }: LogPosition,
  listed: readonly Segment[],
  { maxBytes, maxSegments }: RangeBounds,
): NextRange {
  const [first] = listed;
  if (!first) return { kind: "none" };
  if (first.sequence !== sequence + 1) {
    return { kind: "gap", first: sequence + 1, last: first.sequence - 1 };
  }
  const segments: Segment[] = [];
  let bytes = 0;
  for (const segment of listed) {
    const expected = sequence + 1 + segments.length;
    if (segment.sequence !== expected) break;
    bytes += segment.bytes;
    const isFull = segments.length === maxSegments || (segments.length > 0 && bytes > maxBytes);
    if (readingTo === null ? isFull : expected > readingTo) break;
    segments.push(segment);
  }
  return { kind: "range", segments };
}
