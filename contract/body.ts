/** Reading a request body without ever holding more than its bound. */
import type { Problem } from "./problem.ts";

/** How much of a body that is too large is read and thrown away, so that the client sees the answer and not a reset. */
const MAX_DISCARDED_BYTES = 64 * 1024 * 1024;

const tooLarge = (maxBytes: number): Problem => ({
  type: "body_too_large",
  detail: `The body may have at most ${maxBytes} bytes.`,
});

/** The body as text, or the problem it is. */
export function readText(request: Request, maxBytes: number): Promise<string | Problem> {
  return isAnnouncedWithin(request, maxBytes)
    ? request.text()
    : readStreamedText(request, maxBytes);
}

async function readStreamedText(request: Request, maxBytes: number): Promise<string | Problem> {
  const bytes = await readBytes(request, maxBytes);
  return bytes instanceof Uint8Array ? new TextDecoder().decode(bytes) : bytes;
}

/** The body, at most `maxBytes` of it, or the problem it is. */
export async function readBytes(request: Request, maxBytes: number): Promise<Uint8Array | Problem> {
  if (isAnnouncedWithin(request, maxBytes)) return new Uint8Array(await request.arrayBuffer());
  return request.body ? readStream(request.body, maxBytes) : new Uint8Array();
}

/** The runtime holds a body to the length it was announced with. */
function isAnnouncedWithin({ headers }: Request, maxBytes: number): boolean {
  const announced = headers.get("content-length");
  return announced !== null && Number(announced) <= maxBytes;
}

/** A stream's bytes, or the problem of there being more than `maxBytes`. It is given up after `maxDiscarded`. */
export async function readStream(
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
  maxDiscarded = MAX_DISCARDED_BYTES,
): Promise<Uint8Array | Problem> {
  const kept: Uint8Array[] = [];
  let size = 0;
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.byteLength;
    if (size <= maxBytes) kept.push(value);
    else kept.length = 0;
    if (size > maxDiscarded) {
      await reader.cancel("body too large");
      break;
    }
  }
  return size > maxBytes ? tooLarge(maxBytes) : concat(kept, size);
}

function concat(parts: Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}

/** Reads a body that nobody wants and throws it away, within a bound: a client still sending then sees the answer. */
export async function discardBody(request: Request): Promise<void> {
  if (!request.bodyUsed && request.body) await readStream(request.body, 0);
}

/** The media type of a Content-Type header, without parameters, in lower case. */
export function mediaTypeOf(contentType: string | null): string {
  return (contentType ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}
