/** Whether a request may go on: its key, what the key may do, and how often. */
import type { Permission, Principal } from "./access.ts";
import { isDenial } from "./authenticate.ts";
import { challengeOf, type Denial, problemOfDenial } from "./denial.ts";
import type { Gate } from "./gate.ts";
import type { Background } from "./limit-desk.ts";
import type { LimitRefusal } from "./limit-refusal.ts";
import { type Problem, problemResponse } from "./problem.ts";
import { rateLimitHeaders } from "./rate-limit.ts";

/** Why a request may not go on. */
export interface Refusal {
  problem: Problem;
  headers: Record<string, string>;
}

type Verdict = Principal | Refusal;

/** The one who asks, or why they may not. A promise only where a key, a token or a limit has to be asked about first. */
export function admit(
  gate: Gate,
  headers: Headers,
  permission: Permission,
  background: Background,
  traceId: string,
): Verdict | Promise<Verdict> {
  const caller = gate.authenticate(headers.get("authorization"), background);
  if (caller instanceof Promise) {
    return caller.then((known) => decide(gate, known, headers, permission, background, traceId));
  }
  return decide(gate, caller, headers, permission, background, traceId);
}

/** Whether whoever asks is known, may do this, and may do it now. */
function decide(
  gate: Gate,
  principal: Principal | Denial,
  headers: Headers,
  permission: Permission,
  background: Background,
  traceId: string,
): Verdict | Promise<Verdict> {
  if (isDenial(principal)) return denied(gate, principal, traceId);
  const { limiter, denials } = gate;
  if (!principal.permissions.has(permission)) {
    denials.note({ reason: "forbidden", who: principal.keyId }, traceId);
    return lacking(principal, permission);
  }
  const verdict = limiter.admit(principal, headers, background);
  if (verdict === "allowed") return principal;
  if (!(verdict instanceof Promise)) return limited(verdict);
  return verdict.then((later) => (later === "allowed" ? principal : limited(later)));
}

function denied({ denials }: Gate, denial: Denial, traceId: string): Refusal {
  denials.note(denial, traceId);
  const challenge = challengeOf(denial);
  return {
    problem: problemOfDenial(denial),
    headers: challenge === null ? {} : { "www-authenticate": challenge },
  };
}

function lacking({ permissions }: Principal, permission: Permission): Refusal {
  const held = permissions.size === 0 ? "it has none" : `it has: ${[...permissions].join(" ")}`;
  return {
    problem: { type: "forbidden", detail: `The key lacks the permission ${permission}; ${held}.` },
    headers: {
      "www-authenticate": `Bearer error="insufficient_scope", scope="${permission}"`,
    },
  };
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
