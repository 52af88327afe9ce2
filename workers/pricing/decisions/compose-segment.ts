/** A segment of the decision log made of records: its bytes, its key, and where each record lies in it. */
import { createHash } from "node:crypto";
import { decisionSegmentKey, type LoggedDecision } from "../../../contract/decision-log.ts";

/** Where the text of a record lies, in bytes. */
export interface Stretch {
  start: number;
  length: number;
}

export interface ComposedSegment {
  key: string;
  bytes: Uint8Array;
  records: readonly { record: LoggedDecision; stretch: Stretch }[];
  /** Wall clock of the first and the last of the decisions. */
  firstAt: number;
  lastAt: number;
}

const encoder = new TextEncoder();
const NEWLINE = "\n";

/** A pure function of the records, so what is written again is written over. At least one record. */
export function composeSegment(decisions: readonly LoggedDecision[]): ComposedSegment {
  const lines = decisions.map((record) => encoder.encode(JSON.stringify(record) + NEWLINE));
  const bytes = new Uint8Array(lines.reduce((sum, line) => sum + line.byteLength, 0));
  let start = 0;
  const records = decisions.map((record, i) => {
    const line = lines[i] ?? new Uint8Array();
    bytes.set(line, start);
    const stretch = { start, length: line.byteLength - NEWLINE.length };
    start += line.byteLength;
    return { record, stretch };
  });
  const times = decisions.map(({ decidedAt }) => decidedAt);
  const firstAt = times.reduce((least, at) => Math.min(least, at));
  const lastAt = times.reduce((greatest, at) => Math.max(greatest, at));
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 32);
  const date = new Date(firstAt).toISOString().slice(0, 10);
  return { key: decisionSegmentKey(date, hash), bytes, records, firstAt, lastAt };
}
