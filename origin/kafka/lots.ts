import { MAX_EVENTS_BODY_BYTES, MAX_EVENTS_PER_REQUEST } from "../../contract/events.ts";
import type { PreparedRecord } from "./prepare-record.ts";

/** Consecutive records of one partition that are done with together. */
export interface Lot {
  /** Of the request they go to ingest in; null for a record that goes nowhere. */
  contentType: string | null;
  items: LotItem[];
}

export interface LotItem {
  prepared: PreparedRecord;
  /** What the item takes in the body. */
  body: string | Uint8Array<ArrayBuffer>;
}

/** Brackets, commas and what a body may gain on its way. */
const BODY_ROOM_BYTES = 16 * 1024;
const MAX_LOT_BYTES = MAX_EVENTS_BODY_BYTES - BODY_ROOM_BYTES;

/** The records in their order, as many of one form together as a request may hold. */
export function* lotsOf(records: Iterable<PreparedRecord>): Generator<Lot> {
  let lot: Lot | null = null;
  let bytes = 0;
  for (const prepared of records) {
    const { contentType, item } = lotItem(prepared);
    const size = Buffer.byteLength(item.body) + 1;
    const fits =
      isMany(prepared) &&
      lot !== null &&
      lot.contentType === contentType &&
      lot.items.length < MAX_EVENTS_PER_REQUEST &&
      bytes + size <= MAX_LOT_BYTES;
    if (lot && fits) {
      lot.items.push(item);
      bytes += size;
      continue;
    }
    if (lot) yield lot;
    lot = { contentType, items: [item] };
    bytes = size;
  }
  if (lot) yield lot;
}

/** The body of a lot, or of some of its items. */
export function lotBody(items: readonly LotItem[]): string | Uint8Array<ArrayBuffer> {
  const [first] = items;
  if (first && typeof first.body !== "string") return first.body;
  return `[${items.map(({ body }) => body).join(",")}]`;
}

/** Forms of which a request holds many. */
function isMany({ form }: PreparedRecord): boolean {
  return form === "json" || form === "cloud_event";
}

function lotItem(prepared: PreparedRecord): { contentType: string | null; item: LotItem } {
  switch (prepared.form) {
    case "json":
      return {
        contentType: "application/json",
        item: { prepared, body: JSON.stringify(prepared.event) },
      };
    case "cloud_event":
      return {
        contentType: "application/cloudevents-batch+json",
        item: { prepared, body: JSON.stringify(prepared.event) },
      };
    case "body":
      return {
        contentType: prepared.contentType,
        item: { prepared, body: new Uint8Array(prepared.bytes) },
      };
    case "poison":
    case "echo":
      return { contentType: null, item: { prepared, body: "" } };
    default:
      return prepared satisfies never;
  }
}
