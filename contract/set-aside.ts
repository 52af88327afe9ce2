/**
 * A message that its consumer cannot read, on its way to the dead letters.
 *
 * What a queue gives up on comes there by itself, and says nothing of where it was; what is set aside says which queue it
 * stood in and what is wrong with it. Sent with content type "v8", for its body may be of any kind.
 */
import * as z from "zod";

/** Queues whose messages can become dead letters. */
export const SOURCE_QUEUES = ["events", "late-events", "decisions"] as const;
export type SourceQueue = (typeof SOURCE_QUEUES)[number];

/** How a message is encoded on its queue; it goes back the same. */
export const CONTENT_TYPES = ["bytes", "text", "json"] as const;
export type MessageContentType = (typeof CONTENT_TYPES)[number];

/** Cloudflare takes messages of up to 128 KB; of a longer body the beginning is kept. */
const MAX_BODY_BYTES = 120_000;

export const setAsideSchema = z.strictObject({
  kind: z.literal("set_aside"),
  queue: z.enum(SOURCE_QUEUES),
  /** What is wrong with it. */
  detail: z.string().max(1_000),
  contentType: z.enum(CONTENT_TYPES),
  /** Of the whole body. */
  bytes: z.int().min(0),
  body: z.instanceof(Uint8Array),
});
export type SetAside = z.infer<typeof setAsideSchema>;

/** A message as it is set aside. */
export function setAsideFrom(queue: SourceQueue, message: unknown, detail: string): SetAside {
  const { contentType, body } = encodedBody(message);
  return {
    kind: "set_aside",
    queue,
    detail: detail.slice(0, 1_000),
    contentType,
    bytes: body.byteLength,
    body: body.slice(0, MAX_BODY_BYTES),
  };
}

/** The body of a message as bytes: what arrived as an object is JSON. */
export function encodedBody(message: unknown): {
  contentType: MessageContentType;
  body: Uint8Array;
} {
  if (message instanceof ArrayBuffer)
    return { contentType: "bytes", body: new Uint8Array(message) };
  if (ArrayBuffer.isView(message)) {
    const { buffer, byteOffset, byteLength } = message;
    return { contentType: "bytes", body: new Uint8Array(buffer, byteOffset, byteLength) };
  }
  const encoder = new TextEncoder();
  if (typeof message === "string") return { contentType: "text", body: encoder.encode(message) };
  return { contentType: "json", body: encoder.encode(JSON.stringify(message) ?? "null") };
}
