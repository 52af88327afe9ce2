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

const ID_BYTES = 16;
const POOLED_IDS = 256;
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** A source of random trace ids; `fillRandom` is asked for 256 of them at once, because each call of it costs microseconds. */
export function traceIdSource(fillRandom: (bytes: Uint8Array<ArrayBuffer>) => void): () => string {
  const pool = new Uint8Array(ID_BYTES * POOLED_IDS);
  let at = pool.length;
  return () => {
    if (at === pool.length) {
      fillRandom(pool);
      at = 0;
    }
    let id = "";
    for (let i = 0; i < ID_BYTES; i++) id += HEX[pool[at + i] ?? 0];
    at += ID_BYTES;
    return id;
  };
}
