/**
 * From a request to its handler and back: keys, limits, trace ids, problems, metrics and unexpected failures are seen to
 * here, once for all operations of the contract.
 */
import { getPath } from "hono/utils/url";
import {
  forbiddenEverywhere,
  isForPublic,
  type Permission,
  type Principal,
} from "../../contract/access.ts";
import { admit, type Refusal, refusalResponse } from "../../contract/admit.ts";
import { discardBody } from "../../contract/body.ts";
import type { Cors } from "../../contract/cors.ts";
import type { Gate } from "../../contract/gate.ts";
import { type Log, messageOf } from "../../contract/log.ts";
import type { Metrics } from "../../contract/metrics.ts";
import { OPERATIONS, type Operation, type OperationId } from "../../contract/operations.ts";
import { type Problem, problemResponse } from "../../contract/problem.ts";
import { traceIdOf } from "../../contract/trace.ts";
import type { EpochMs } from "../../domain/units.ts";
import { Call } from "./call.ts";
import { countRequests, type RequestCount } from "./request-metrics.ts";
import { RouteTable } from "./route-table.ts";

export type Handler = (call: Call) => Response | Problem | Promise<Response | Problem>;
/** A handler for each operation; events are handed on instead, whatever their method. */
export type Handlers = Record<Exclude<OperationId, "postEvents" | "readEventSchema">, Handler>;

export interface RouterPorts {
  gate: Gate;
  cors: Cors;
  wallNow: () => EpochMs;
  newTraceId: () => string;
  log: Log;
  metrics: Metrics;
}

export type Fetch = (request: Request, context: ExecutionContext) => Promise<Response>;

interface Route {
  handler: Handler;
  permission: Permission | null;
  /** False where it concerns every region. */
  isScoped: boolean;
  /** True where keys in browsers may ask. */
  isForPublic: boolean;
  count: RequestCount;
}

export function createRouter(
  { gate, cors, wallNow, newTraceId, log, metrics }: RouterPorts,
  handlers: Handlers,
  forwardEvents: Handler,
): Fetch {
  const table = new RouteTable<Route>();
  const operations = OPERATIONS as Record<OperationId, Operation>;
  for (const [id, handler] of Object.entries(handlers)) {
    const { method, path, permission, scope } = operations[id as OperationId];
    const forPublic = permission !== null && isForPublic(permission);
    const count = countRequests(metrics, id);
    const isScoped = scope !== undefined;
    table.add(method, path, { handler, permission, isScoped, isForPublic: forPublic, count });
  }
  // Ingest checks keys itself, and says what browsers may do; a second check here would charge a key twice.
  const events = { handler: forwardEvents, permission: null, isScoped: true, isForPublic: false };
  table.add("ALL", `${operations.postEvents.path}/*`, {
    ...events,
    count: countRequests(metrics, "postEvents"),
  });
  const countElsewhere = countRequests(metrics, "none");

  function onFailure({ traceId }: Call, error: unknown): void {
    log("error", "unexpected failure", {
      traceId,
      error: messageOf(error),
      stack: error instanceof Error ? error.stack : undefined,
    });
  }

  /** What keeps a request from its route, or null. A promise only where the ledger of limits has to be asked. */
  function refusalOf(route: Route, call: Call): Response | null | Promise<Response | null> {
    if (route.permission === null) return null;
    const verdict = admit(gate, call.request.headers, route.permission, call, call.traceId);
    return verdict instanceof Promise
      ? verdict.then((caller) => entered(caller, route, call))
      : entered(verdict, route, call);
  }

  function entered(caller: Principal | Refusal, route: Route, call: Call): Response | null {
    if ("problem" in caller) return refusalResponse(caller, call.traceId);
    call.principal = caller;
    const outside = route.isScoped ? null : forbiddenEverywhere(caller);
    return outside === null ? null : refused(outside, call);
  }

  function refused(problem: Problem, { principal, traceId }: Call): Response {
    const { type } = problem;
    if (type === "forbidden_region") {
      gate.denials.note({ reason: type, who: principal?.keyId }, traceId);
    }
    return problemResponse(problem, traceId);
  }

  /** What a browser hears that asks before a page may send something. */
  function preflight(request: Request, path: string, methods: readonly string[]): Response | null {
    if (request.method !== "OPTIONS") return null;
    const open = methods.filter((method) => table.match(method, path).route?.isForPublic);
    return open.length === 0 ? null : cors.preflight(request, open);
  }

  // One async function, for each one more on the way of a request costs 300 bytes of garbage.
  return async (request, context) => {
    const now = wallNow();
    const traceId = traceIdOf(request.headers.get("traceparent"), newTraceId);
    const path = getPath(request);
    const match = table.match(request.method, path);
    if (match.route === null) {
      await discardBody(request);
      const response = preflight(request, path, match.methods) ?? nowhere(match.methods, traceId);
      countElsewhere(response.status, wallNow() - now);
      return response;
    }
    const { route, params } = match;
    const call = new Call({ request, now, traceId, params }, context, onFailure);
    let response: Response;
    try {
      const verdict = refusalOf(route, call);
      const refusal = verdict instanceof Promise ? await verdict : verdict;
      const result = refusal ?? (await route.handler(call));
      response = result instanceof Response ? result : refused(result, call);
    } catch (error) {
      onFailure(call, error);
      response = problemResponse({ type: "internal" }, traceId);
    }
    // A page that has a server's key may not read with it; whoever was refused may be anybody.
    if (route.isForPublic && (call.principal === null || call.principal.isPublic)) {
      cors.allow(request, response);
    }
    // A client that is still sending sees a refusal only once somebody reads.
    if (response.status >= 400) await discardBody(request);
    route.count(response.status, wallNow() - now);
    return request.method === "HEAD" ? new Response(null, response) : response;
  };
}

function nowhere(methods: readonly string[], traceId: string): Response {
  if (methods.length === 0) return problemResponse({ type: "not_found" }, traceId);
  const headers = { allow: methods.join(", ") };
  return refusalResponse({ problem: { type: "method_not_allowed" }, headers }, traceId);
}
