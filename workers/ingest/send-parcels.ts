import { writeParcel } from "../../contract/parcel.ts";
import { ByteWriter } from "../../domain/bytes.ts";
import type { ParcelContents } from "./compose-parcels.ts";

/** Where parcels go. */
export interface ParcelQueue {
  sendBatch(messages: Iterable<MessageSendRequest>): Promise<unknown>;
}

/** What Cloudflare takes in one call: 100 messages and 256 KB, of which some is left for what wraps them. */
const MAX_MESSAGES = 100;
const MAX_CALL_BYTES = 240_000;

export interface NumberedParcel extends ParcelContents {
  number: number;
}

export interface Sender {
  outbox: string;
  epoch: number;
  lowWater: number;
}

/** Sends parcels to the queue, in as few calls as it takes. Rejects when a call fails; others may have gone out then. */
export async function sendParcels(
  queue: ParcelQueue,
  sender: Sender,
  parcels: readonly NumberedParcel[],
): Promise<void> {
  const calls: MessageSendRequest<Uint8Array>[][] = [];
  let open: MessageSendRequest<Uint8Array>[] = [];
  let size = 0;
  const writer = new ByteWriter(4_096);
  for (const { number, regionId, receivedAt, count, stretches } of parcels) {
    writer.clear();
    writeParcel(writer, { ...sender, number, regionId, receivedAt, count }, stretches);
    if (open.length === MAX_MESSAGES || size + writer.length > MAX_CALL_BYTES) {
      calls.push(open);
      open = [];
      size = 0;
    }
    open.push({ body: writer.copy(), contentType: "bytes" });
    size += writer.length;
  }
  if (open.length > 0) calls.push(open);
  await Promise.all(calls.map((messages) => queue.sendBatch(messages)));
}
