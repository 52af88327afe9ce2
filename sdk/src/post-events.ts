import { type Outcome, outcomeOf } from "./answer.ts";
import type { Platform } from "./platform.ts";

export interface PostRequest {
  endpoint: string;
  key: string | (() => string | Promise<string>);
  body: string;
  /** Events in the body. */
  count: number;
  gzip: boolean;
  /** The request may outlive its page; bodies of all such requests together stay below 64 KiB. */
  keepalive: boolean;
  timeoutMs: number;
  /** Ends the request early. */
  signal: AbortSignal;
}

/** Posts a body once and says what became of it. Never rejects: what goes wrong is an outcome. */
export async function postEvents(request: PostRequest, platform: Platform): Promise<Outcome> {
  const { endpoint, key, body, count, gzip, keepalive, timeoutMs } = request;
  const abort = new AbortController();
  const give = () => abort.abort();
  request.signal.addEventListener("abort", give);
  let timedOut = false;
  const cancelTimeout = platform.schedule(() => {
    timedOut = true;
    give();
  }, timeoutMs);
  try {
    const headers: Record<string, string> = { "content-type": "application/json" };
    // Nothing is awaited before the fetch of a keepalive request unless the key is: its page is about to go.
    headers.authorization = `Bearer ${typeof key === "string" ? key : await orAborted(key(), abort.signal)}`;
    if (gzip) headers["content-encoding"] = "gzip";
    const response = await platform.fetch(endpoint, {
      method: "POST",
      headers,
      body: gzip ? await gzipped(body) : body,
      // A redirect of a POST would become a GET somewhere else, with our key.
      redirect: "manual",
      signal: abort.signal,
      ...(keepalive ? { keepalive } : {}),
    });
    return await outcomeOf(response, count, platform.now());
  } catch (cause) {
    const message = timedOut ? `no answer within ${timeoutMs} ms` : messageOf(cause);
    return { kind: "failed", message, retryAfterMs: null, mayBeSize: timedOut, cause };
  } finally {
    cancelTimeout();
    request.signal.removeEventListener("abort", give);
  }
}

/** What an application's promise comes to, unless `signal` is first: one that never ends must hold no request up. */
function orAborted<Value>(value: Value | Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(new Error("the key did not come")));
    Promise.resolve(value).then(resolve, reject);
  });
}

/** Node says "fetch failed" and keeps why in the error's cause. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

/** True where bodies can be gzipped. */
export const canGzip = typeof CompressionStream !== "undefined";

function gzipped(body: string): Promise<ArrayBuffer> {
  const stream = new Blob([body]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}
