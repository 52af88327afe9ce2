/** Which queue a dead letter came from, and what makes it the message it is: a queue that gives up on one tells neither. */
import { createHash } from "node:crypto";
import type { DeadLetterQueue, DeadLetterReason } from "../../../contract/dead-letters.ts";
import { lateEventsOf } from "../../../contract/late-events.ts";
import { parcelOf } from "../../../contract/parcel.ts";
import {
  encodedBody,
  type MessageContentType,
  type SetAside,
  setAsideSchema,
} from "../../../contract/set-aside.ts";

/** A dead letter as it is kept. */
export interface RecognisedLetter {
  id: string;
  queue: DeadLetterQueue;
  regionId: string | null;
  reason: DeadLetterReason;
  detail: string;
  contentType: MessageContentType;
  /** Of the whole message. */
  bytes: number;
  body: Uint8Array;
}

const EXHAUSTED = "Its consumer failed it to the last try; the consumer's log says why.";
const UNKNOWN = "It says nothing of the queue it came from.";

/** What a message on the queue of dead letters is. */
export function recognise(message: unknown): RecognisedLetter {
  const setAside = setAsideSchema.safeParse(message);
  if (setAside.success) return unreadable(setAside.data);
  const { contentType, body } = encodedBody(message);
  const encoded = { contentType, bytes: body.byteLength, body };
  const exhausted = { reason: "retries_exhausted", detail: EXHAUSTED, ...encoded } as const;
  const parcel = contentType === "bytes" ? parcelOf(body) : null;
  if (parcel) {
    const { outbox, epoch, number, regionId } = parcel;
    const id = idOf("parcel", `${outbox}/${epoch}/${number}`);
    return { id, queue: "events", regionId, ...exhausted };
  }
  const late = contentType === "bytes" ? lateEventsOf(body) : null;
  if (late) {
    return {
      id: idOf("late", late.id),
      queue: "late-events",
      regionId: late.regionId,
      ...exhausted,
    };
  }
  const id = idOf(contentType, body);
  if (contentType === "text") return { id, queue: "decisions", regionId: null, ...exhausted };
  return { ...exhausted, id, queue: "unknown", regionId: null, detail: UNKNOWN };
}

function unreadable({ queue, detail, contentType, bytes, body }: SetAside): RecognisedLetter {
  const id = idOf(queue, body);
  return { id, queue, regionId: null, reason: "unreadable", detail, contentType, bytes, body };
}

/** The same for what is the same message, however often it comes. */
function idOf(kind: string, identity: string | Uint8Array): string {
  const hash = createHash("sha256").update(kind).update("\0").update(identity);
  return `dl_${hash.digest("base64url").slice(0, 22)}`;
}
