/** The id that ties an answer, its log lines and its trace together. */

/** W3C Trace Context: version, trace id, parent id, flags. */
const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/;
const NO_TRACE = "0".repeat(32);

/** The answer's header that carries the trace id. */
export const TRACE_HEADER = "x-trace-id";

/** The trace id of a `traceparent` header, or a new one where there is none that can be used. */
export function traceIdOf(
  traceparent: string | null | undefined,
  newTraceId: () => string,
): string {
  if (!traceparent) return newTraceId();
  const traceId = TRACEPARENT.exec(traceparent)?.[1];
  return traceId === undefined || traceId === NO_TRACE ? newTraceId() : traceId;
}

const TRACE_ID_BYTES = 16;
const POOLED_IDS = 256;

/** A source of random trace ids. */
export function traceIdSource(fillRandom: (bytes: Uint8Array<ArrayBuffer>) => void): () => string {
  return hexSource(TRACE_ID_BYTES, fillRandom);
}

/**
 * A source of ids of `idBytes` random bytes in hex. `fillRandom` is asked for 256 of them at once, because each call of it
 * costs microseconds; an id is then a slice of one long text, which makes next to no garbage.
 */
export function hexSource(
  idBytes: number,
  fillRandom: (bytes: Uint8Array<ArrayBuffer>) => void,
): () => string {
  const pool = new Uint8Array(idBytes * POOLED_IDS);
  const idChars = idBytes * 2;
  let text = "";
  let at = 0;
  return () => {
    if (at === text.length) {
      fillRandom(pool);
      text = Buffer.from(pool).toString("hex");
      at = 0;
    }
    at += idChars;
    return text.slice(at - idChars, at);
  };
}
