/** Back to where a dead letter came from. */
import type { SourceQueue } from "../../../contract/set-aside.ts";
import type { WholeLetter } from "./dead-letter-store.ts";

/** What is used of a queue. */
export interface SendingQueue {
  sendBatch(messages: Iterable<MessageSendRequest>): Promise<unknown>;
}
export type SourceQueues = Record<SourceQueue, SendingQueue>;

/** True when a letter can go back: its queue is known, and all of it is kept. */
export function canGoBack(letter: WholeLetter): letter is WholeLetter & { queue: SourceQueue } {
  return letter.queue !== "unknown" && letter.body.byteLength === letter.bytes;
}

/** What Cloudflare takes in one call: 100 messages and 256 KB, of which some is left for what wraps them. */
const MAX_MESSAGES = 100;
const MAX_CALL_BYTES = 240_000;

/** Sends letters of one queue as they once were. Rejects when a call fails; others may have gone out then. */
export async function sendBack(
  queue: SendingQueue,
  letters: readonly WholeLetter[],
): Promise<void> {
  let call: MessageSendRequest[] = [];
  let size = 0;
  for (const letter of letters) {
    if (call.length === MAX_MESSAGES || size + letter.bytes > MAX_CALL_BYTES) {
      if (call.length > 0) await queue.sendBatch(call);
      call = [];
      size = 0;
    }
    call.push(requestOf(letter));
    size += letter.bytes;
  }
  if (call.length > 0) await queue.sendBatch(call);
}

function requestOf({ contentType, body }: WholeLetter): MessageSendRequest {
  switch (contentType) {
    case "bytes":
      return { body: new Uint8Array(body), contentType };
    case "text":
      return { body: body.toString(), contentType };
    case "json":
      return { body: JSON.parse(body.toString()), contentType };
  }
}
