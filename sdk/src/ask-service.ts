/** One call to the service: tries, waits between them, and what comes of it. */
import { type BackoffRules, backoffMs, parseRetryAfter } from "./backoff.ts";
import type { Platform } from "./platform.ts";
import type { Problem } from "./price-types.ts";

export interface Service {
  platform: Platform;
  /** Without a slash at its end. */
  baseUrl: string;
  key: string | (() => string | Promise<string>);
  tryTimeoutMs: number;
  timeoutMs: number;
  retries: number;
  backoff: BackoffRules;
}

export interface AskOptions {
  /** Posted as JSON; without one the path is got. */
  body?: unknown;
  signal?: AbortSignal | undefined;
  /** The path is for everybody, and hears no key. */
  isOpen?: boolean;
}

/** Why a call has no answer. */
export class PriceError extends Error {
  /** The problem's name, such as `unknown_region`; `unanswered` where the service did not say anything. */
  readonly type: string;
  /** Of the last answer; 0 without one. */
  readonly status: number;
  /** What the service said. */
  readonly problem: Problem | null;

  constructor(
    message: string,
    failure: { status: number; problem: Problem | null; cause?: unknown },
  ) {
    super(message, { cause: failure.cause });
    this.name = "PriceError";
    this.status = failure.status;
    this.problem = failure.problem;
    this.type = failure.problem?.type.replace(/^.*#/, "") ?? "unanswered";
  }
}

/** Statuses that pass by themselves: timeout, too early, too many, and what failed over there. */
const mayPass = (status: number) =>
  status === 408 || status === 425 || status === 429 || status >= 500;

/**
 * The JSON of a successful answer. Tries again where that may help and the time allows: no call here does anything twice, for
 * prices are only told and a redemption has its idempotency key. Rejects with a PriceError.
 */
export async function askService<Answer>(
  service: Service,
  path: string,
  options: AskOptions,
): Promise<Answer> {
  const { platform, timeoutMs, retries, backoff } = service;
  const endsAt = platform.now() + timeoutMs;
  for (let failures = 1; ; failures++) {
    const outcome = await tryOnce<Answer>(service, path, options, endsAt);
    if ("answer" in outcome) return outcome.answer;
    const waitMs = backoffMs(failures, outcome.retryAfterMs, backoff, platform.random);
    const isLast = failures > retries || platform.now() + waitMs >= endsAt;
    if (!outcome.mayPass || isLast || options.signal?.aborted) throw outcome.error;
    await wait(platform, waitMs, options.signal);
  }
}

type Outcome<Answer> =
  | { answer: Answer }
  | { error: PriceError; mayPass: boolean; retryAfterMs: number | null };

async function tryOnce<Answer>(
  service: Service,
  path: string,
  { body, signal, isOpen = false }: AskOptions,
  endsAt: number,
): Promise<Outcome<Answer>> {
  const { platform, baseUrl, key, tryTimeoutMs } = service;
  const abort = new AbortController();
  const give = () => abort.abort();
  if (signal?.aborted) give();
  signal?.addEventListener("abort", give);
  const limitMs = Math.max(0, Math.min(tryTimeoutMs, endsAt - platform.now()));
  const cancelTimeout = platform.schedule(give, limitMs, true);
  try {
    const headers: Record<string, string> = {};
    if (!isOpen) headers.authorization = `Bearer ${typeof key === "string" ? key : await key()}`;
    if (body !== undefined) headers["content-type"] = "application/json";
    const response = await platform.fetch(`${baseUrl}${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      // A redirect would take the key somewhere else.
      redirect: "manual",
      signal: abort.signal,
    });
    return await outcomeOf<Answer>(response, platform.now());
  } catch (cause) {
    const message = signal?.aborted
      ? "the call was ended"
      : abort.signal.aborted
        ? `no answer within ${limitMs} ms`
        : `the service cannot be reached: ${cause instanceof Error ? cause.message : cause}`;
    const error = new PriceError(message, { status: 0, problem: null, cause });
    return { error, mayPass: true, retryAfterMs: null };
  } finally {
    cancelTimeout();
    signal?.removeEventListener("abort", give);
  }
}

async function outcomeOf<Answer>(response: Response, now: number): Promise<Outcome<Answer>> {
  const { status } = response;
  const json = parsed(await response.text());
  if (status === 200 && json !== null) return { answer: json as Answer };
  const problem = problemFrom(json);
  const message = problem?.detail ?? problem?.title ?? `unexpected answer ${status}`;
  return {
    error: new PriceError(message, { status, problem }),
    mayPass: mayPass(status),
    retryAfterMs: parseRetryAfter(response.headers.get("retry-after"), now),
  };
}

function parsed(text: string): Record<string, unknown> | null {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === "object" && json !== null ? (json as Record<string, unknown>) : null;
  } catch {
    // Proxies answer in HTML; the status says enough.
    return null;
  }
}

function problemFrom(json: Record<string, unknown> | null): Problem | null {
  return typeof json?.type === "string" ? (json as unknown as Problem) : null;
}

/** Resolves after a while, or at once when `signal` ends the call. */
function wait(platform: Platform, ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      cancel();
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const cancel = platform.schedule(done, ms, true);
    signal?.addEventListener("abort", done);
  });
}
