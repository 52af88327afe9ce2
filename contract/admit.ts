/** Whether a request may go on: its key, what the key may do, and how often. */
import type { Permission, Principal } from "./access.ts";
import type { Authenticate } from "./authenticate.ts";
import type { Background } from "./limit-desk.ts";
import type { LimitRefusal } from "./limit-refusal.ts";
import type { Limiter } from "./limiter.ts";
import { type Problem, problemResponse } from "./problem.ts";
import { rateLimitHeaders } from "./rate-limit.ts";

/** Why a request may not go on. */
export interface Refusal {
  problem: Problem;
  headers: Record<string, string>;
}

/** Who decides about requests. */
export interface Gate {
  authenticate: Authenticate;
  limiter: Limiter;
}

/** The one who asks, or why they may not. A promise only where the ledger of limits has to be asked first. */
export function admit(
  { authenticate, limiter }: Gate,
  headers: Headers,
  permission: Permission,
  background: Background,
): Principal | Refusal | Promise<Principal | Refusal> {
  const principal = authenticate(headers.get("authorization"));
  if (!principal) return { problem: { type: "unauthenticated" }, headers: {} };
  if (!principal.permissions.has(permission)) {
    const detail = `The key lacks the permission ${permission}; it has: ${[...principal.permissions].join(" ")}.`;
    return { problem: { type: "forbidden", detail }, headers: {} };
  }
  const verdict = limiter.admit(principal, headers, background);
  if (verdict === "allowed") return principal;
  if (!(verdict instanceof Promise)) return limited(verdict);
  return verdict.then((later) => (later === "allowed" ? principal : limited(later)));
}

const WHOSE = {
  key: "of this key",
  user: "per user of this key",
  ip: "per address of this key",
  region: "per region of this key",
  global: "of the whole service",
} as const;

/** What a client hears that a limit keeps out. */
export function limited(refusal: LimitRefusal): Refusal {
  return { problem: limitProblem(refusal), headers: rateLimitHeaders(refusal) };
}

/** The same where it is one part of an answer and has no headers. */
export function limitProblem({ kind, limit, retryAfterS }: LimitRefusal): Problem {
  const detail = `The limit ${WHOSE[kind]} is ${limit.requestsPerMinute} a minute; come again in ${retryAfterS} s.`;
  return { type: "rate_limited", detail, retryAfterS };
}

/** The response a refusal becomes. */
export function refusalResponse({ problem, headers }: Refusal, traceId: string): Response {
  const response = problemResponse(problem, traceId);
  for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
  return response;
}
