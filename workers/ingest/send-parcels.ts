import { writeParcel } from "../../contract/parcel.ts";
import { withinLimit } from "../../contract/within-limit.ts";
import { ByteWriter } from "../../domain/bytes.ts";
import { ALL_SLICES } from "../../domain/slices.ts";
import type { ParcelContents } from "./compose-parcels.ts";

/** Where parcels go. */
export interface ParcelQueue {
  sendBatch(messages: Iterable<MessageSendRequest>): Promise<unknown>;
}

export interface NumberedParcel extends ParcelContents {
  number: number;
}

/** Who sends, as each parcel tells it. */
export interface Sender {
  outbox: string;
  epoch: number;
  lowWater: number;
}

/** The messages that parcels are on the queue. */
export function messagesFrom(
  parcels: readonly NumberedParcel[],
  sender: Sender,
): Uint8Array<ArrayBuffer>[] {
  const writer = new ByteWriter(4_096);
  return parcels.map(({ number, regionId, receivedAt, count, stretches }) => {
    writer.clear();
    const header = { ...sender, number, slices: ALL_SLICES, regionId, receivedAt, count };
    writeParcel(writer, header, stretches);
    return writer.copy();
  });
}

/** What Cloudflare takes in one call: 100 messages and 256 KB, of which some is left for what wraps them. */
const MAX_MESSAGES = 100;
const MAX_CALL_BYTES = 240_000;

/** A queue that is silent for so long did not take them, as far as anybody knows. Without an end, nothing else would ever be sent. */
const SEND_LIMIT_MS = 15_000;

/** Sends messages in as few calls as it takes. Rejects when a call fails or is not answered; others may have gone out then. */
export async function sendMessages(
  queue: ParcelQueue,
  messages: readonly Uint8Array<ArrayBuffer>[],
): Promise<void> {
  const calls: MessageSendRequest<Uint8Array>[][] = [];
  let open: MessageSendRequest<Uint8Array>[] = [];
  let size = 0;
  for (const body of messages) {
    if (open.length === MAX_MESSAGES || size + body.byteLength > MAX_CALL_BYTES) {
      calls.push(open);
      open = [];
      size = 0;
    }
    open.push({ body, contentType: "bytes" });
    size += body.byteLength;
  }
  if (open.length > 0) calls.push(open);
  if (calls.length === 0) return;
  await withinLimit(Promise.all(calls.map((call) => queue.sendBatch(call))), SEND_LIMIT_MS);
}
