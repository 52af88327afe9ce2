/** The bounds of a request, exact: the service refuses a body that is over them as a whole. */
import { MAX_EVENTS_BODY_BYTES, MAX_EVENTS_PER_REQUEST } from "./generated/event-types.ts";

export interface BatchLimit {
  events: number;
  /** Of the encoded body, brackets and commas included. */
  bytes: number;
}

/** The most that one request may carry: less than 1 MiB. */
export const SERVICE_LIMIT: BatchLimit = {
  events: MAX_EVENTS_PER_REQUEST,
  bytes: MAX_EVENTS_BODY_BYTES - 1,
};

/** The brackets of an array; each event but the first brings a comma. */
export const BRACKETS_BYTES = 2;

/** Bytes of the body that holds events of these sizes. */
export function bodyBytes(sizes: readonly number[]): number {
  return sizes.reduce((sum, size) => sum + size, BRACKETS_BYTES + Math.max(0, sizes.length - 1));
}

/** How many events from the front make the largest batch within the limit; at least 1 when there is one. */
export function batchLength(
  events: readonly { readonly bytes: number }[],
  limit: BatchLimit,
): number {
  let bytes = BRACKETS_BYTES;
  let length = 0;
  for (const event of events) {
    bytes += event.bytes + (length === 0 ? 0 : 1);
    if (length > 0 && (length >= limit.events || bytes > limit.bytes)) break;
    length++;
  }
  return length;
}

/** The body: a JSON array, byte for byte what `bodyBytes` counted. */
export function bodyOf(events: readonly { readonly text: string }[]): string {
  return `[${events.map(({ text }) => text).join(",")}]`;
}

/** Bytes of a text as UTF-8. Well-formed text only, as JSON.stringify gives. */
export function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    // A surrogate pair is two units and four bytes.
    bytes += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2;
  }
  return bytes;
}
