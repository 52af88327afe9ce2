/** Whether a request may go on: its key, what the key may do, and how often. */
import type { Authenticate, Permission, Principal } from "./access.ts";
import { type Problem, problemResponse } from "./problem.ts";
import { rateLimitHeaders, type TakeTokens } from "./rate-limit.ts";

/** Why a request may not go on. */
export interface Refusal {
  problem: Problem;
  headers: Record<string, string>;
}

/** The one who asks, or why they may not. `wallNow` in milliseconds. */
export function admit(
  headers: Headers,
  permission: Permission,
  authenticate: Authenticate,
  takeTokens: TakeTokens,
  wallNow: number,
): Principal | Refusal {
  const principal = authenticate(headers.get("authorization"));
  if (!principal) return { problem: { type: "unauthenticated" }, headers: {} };
  if (!principal.permissions.has(permission)) {
    const detail = `Role ${principal.role} lacks the permission ${permission}.`;
    return { problem: { type: "forbidden", detail }, headers: {} };
  }
  if (principal.limit === null) return principal;
  const allowance = takeTokens(principal.keyId, principal.limit, wallNow);
  if (allowance.allowed) return principal;
  return {
    problem: { type: "rate_limited", retryAfterS: allowance.retryAfterS },
    headers: rateLimitHeaders(principal.limit, allowance),
  };
}

/** The response a refusal becomes. */
export function refusalResponse({ problem, headers }: Refusal, traceId: string): Response {
  const response = problemResponse(problem, traceId);
  for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
  return response;
}
