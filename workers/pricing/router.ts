/**
 * From a request to its handler and back: keys, limits, trace ids, problems, metrics and unexpected failures are seen to
 * here, once for all operations of the contract.
 */
import { getPath } from "hono/utils/url";
import type { Authenticate, Permission, Principal } from "../../contract/access.ts";
import { discardBody } from "../../contract/body.ts";
import { type Log, messageOf } from "../../contract/log.ts";
import type { Metrics } from "../../contract/metrics.ts";
import { OPERATIONS, type Operation, type OperationId } from "../../contract/operations.ts";
import { type Problem, problemResponse } from "../../contract/problem.ts";
import { createRateLimiter, rateLimitHeaders } from "../../contract/rate-limit.ts";
import { traceIdOf } from "../../contract/trace.ts";
import type { EpochMs } from "../../domain/units.ts";
import { Call } from "./call.ts";
import { countRequests, type RequestCount } from "./request-metrics.ts";
import { RouteTable } from "./route-table.ts";

export type Handler = (call: Call) => Response | Problem | Promise<Response | Problem>;
/** A handler for each operation; events are handed on instead, whatever their method. */
export type Handlers = Record<Exclude<OperationId, "postEvents">, Handler>;

export interface RouterPorts {
  authenticate: Authenticate;
  wallNow: () => EpochMs;
  newTraceId: () => string;
  log: Log;
  metrics: Metrics;
}

export type Fetch = (request: Request, context: ExecutionContext) => Promise<Response>;

interface Route {
  handler: Handler;
  permission: Permission | null;
  count: RequestCount;
}

export function createRouter(
  { authenticate, wallNow, newTraceId, log, metrics }: RouterPorts,
  handlers: Handlers,
  forwardEvents: Handler,
): Fetch {
  const takeTokens = createRateLimiter();
  const table = new RouteTable<Route>();
  const operations = OPERATIONS as Record<OperationId, Operation>;
  for (const [id, handler] of Object.entries(handlers)) {
    const { method, path, permission } = operations[id as OperationId];
    table.add(method, path, { handler, permission, count: countRequests(metrics, id) });
  }
  // Ingest checks keys itself; a second check here would charge a key twice.
  const events = { handler: forwardEvents, count: countRequests(metrics, "postEvents") };
  table.add("ALL", `${operations.postEvents.path}/*`, { ...events, permission: null });
  const countElsewhere = countRequests(metrics, "none");

  function onFailure({ traceId }: Call, error: unknown): void {
    log("error", "unexpected failure", {
      traceId,
      error: messageOf(error),
      stack: error instanceof Error ? error.stack : undefined,
    });
  }

  /** The answer of a route, or the problem that keeps the request from it. */
  async function answer(route: Route, call: Call): Promise<Response> {
    if (route.permission !== null) {
      const refusal = admit(call, route.permission);
      if (refusal) return refusal;
    }
    const result = await route.handler(call);
    return result instanceof Response ? result : problemResponse(result, call.traceId);
  }

  /** Names the principal of a call, or answers why it may not go on. */
  function admit(call: Call, permission: Permission): Response | null {
    const principal = authenticate(call.request.headers.get("authorization"));
    if (!principal) return problemResponse({ type: "unauthenticated" }, call.traceId);
    if (!principal.permissions.has(permission)) {
      const detail = `A key of role ${principal.role} has no permission ${permission}.`;
      return problemResponse({ type: "forbidden", detail }, call.traceId);
    }
    call.principal = principal;
    return principal.limit && charge(call, principal, principal.limit);
  }

  function charge(
    call: Call,
    { keyId }: Principal,
    limit: NonNullable<Principal["limit"]>,
  ): Response | null {
    const allowance = takeTokens(keyId, limit, call.now);
    if (allowance.allowed) return null;
    const { retryAfterS } = allowance;
    const response = problemResponse({ type: "rate_limited", retryAfterS }, call.traceId);
    return withHeaders(response, rateLimitHeaders(limit, allowance));
  }

  return async (request, context) => {
    const now = wallNow();
    const traceId = traceIdOf(request.headers.get("traceparent"), newTraceId);
    const match = table.match(request.method, getPath(request));
    if (match.route === null) {
      await discardBody(request);
      const response = nowhere(match.methods, traceId);
      countElsewhere(response.status, wallNow() - now);
      return response;
    }
    const { route, params } = match;
    const call = new Call({ request, now, traceId, params }, context, onFailure);
    let response: Response;
    try {
      response = await answer(route, call);
    } catch (error) {
      onFailure(call, error);
      response = problemResponse({ type: "internal" }, traceId);
    }
    // A client that is still sending sees a refusal only once somebody reads.
    if (response.status >= 400) await discardBody(request);
    route.count(response.status, wallNow() - now);
    return request.method === "HEAD" ? new Response(null, response) : response;
  };
}

function nowhere(methods: readonly string[], traceId: string): Response {
  if (methods.length === 0) return problemResponse({ type: "not_found" }, traceId);
  return withHeaders(problemResponse({ type: "method_not_allowed" }, traceId), {
    allow: methods.join(", "),
  });
}

function withHeaders(response: Response, headers: Record<string, string>): Response {
  for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
  return response;
}
