/** What is in a dead letter, as far as it can be read. */
import { Buffer } from "node:buffer";
import type { DeadLetterContent } from "../../../contract/dead-letters.ts";
import { lateEventsOf } from "../../../contract/late-events.ts";
import { instantText } from "../../../contract/names.ts";
import { parcelOf } from "../../../contract/parcel.ts";
import { readableEventsFrom } from "../../../contract/readable-events.ts";
import type { WholeLetter } from "./dead-letter-store.ts";

const MAX_EVENTS = 500;
const MAX_DECISIONS = 20;
const MAX_RAW_BYTES = 48 * 1024;

export function contentOf(letter: WholeLetter): DeadLetterContent {
  try {
    return readContent(letter) ?? raw(letter);
  } catch (error) {
    // Bytes that say they are events and are not, or text that is no JSON.
    if (error instanceof RangeError || error instanceof SyntaxError) return raw(letter);
    throw error;
  }
}

function readContent({ contentType, body, queue }: WholeLetter): DeadLetterContent | null {
  if (contentType === "text" && queue === "decisions") return decisionsIn(body.toString());
  const parcel = contentType === "bytes" ? parcelOf(body) : null;
  if (parcel) {
    const { outbox, epoch, number, receivedAt, regionId, count } = parcel;
    const events = readableEventsFrom(regionId, parcel.events, MAX_EVENTS);
    return {
      kind: "parcel",
      ...{ outbox, epoch, number, received_at: instantText(receivedAt), events },
      events_left_out: count - events.length,
    };
  }
  const late = contentType === "bytes" ? lateEventsOf(body) : null;
  if (!late) return null;
  const events = readableEventsFrom(late.regionId, late.events, MAX_EVENTS);
  return {
    kind: "late_events",
    arrived_at: instantText(late.arrivedAt),
    events,
    events_left_out: late.count - events.length,
  };
}

function decisionsIn(text: string): DeadLetterContent | null {
  const decisions: unknown = JSON.parse(text);
  if (!Array.isArray(decisions)) return null;
  return {
    kind: "decisions",
    decisions: decisions.slice(0, MAX_DECISIONS),
    decisions_left_out: Math.max(0, decisions.length - MAX_DECISIONS),
  };
}

function raw({ contentType, body, bytes }: WholeLetter): DeadLetterContent {
  const shown = body.subarray(0, MAX_RAW_BYTES);
  return {
    kind: "raw",
    content_type: contentType,
    base64: Buffer.from(shown).toString("base64"),
    bytes_left_out: bytes - shown.byteLength,
  };
}
