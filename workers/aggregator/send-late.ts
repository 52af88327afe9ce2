import { writeLateEvents } from "../../contract/late-events.ts";
import type { RegionId } from "../../domain/units.ts";
import type { LateRow } from "./late-table.ts";

/** Where late events go. */
export interface LateQueue {
  sendBatch(messages: Iterable<MessageSendRequest>): Promise<unknown>;
}

/** Cloudflare takes 256 KB a call, of which some is left for what wraps the messages. */
const MAX_CALL_BYTES = 240_000;

/** Sends rows of late events, in order. Rejects when a call fails; earlier ones have gone out then. */
export async function sendLate(
  rows: readonly LateRow[],
  regionId: RegionId,
  queue: LateQueue,
): Promise<void> {
  let open: MessageSendRequest<Uint8Array>[] = [];
  let size = 0;
  for (const row of rows) {
    const body = writeLateEvents({ ...row, regionId });
    if (open.length > 0 && size + body.byteLength > MAX_CALL_BYTES) {
      await queue.sendBatch(open);
      open = [];
      size = 0;
    }
    open.push({ body, contentType: "bytes" });
    size += body.byteLength;
  }
  if (open.length > 0) await queue.sendBatch(open);
}
