/** The routes of the ingest Worker. */
import { type Context, Hono } from "hono";
import { isForPublic, type Permission, type Principal } from "../../contract/access.ts";
import { admit, refusalResponse } from "../../contract/admit.ts";
import { discardBody } from "../../contract/body.ts";
import type { Cors } from "../../contract/cors.ts";
import { BatchPacker } from "../../contract/event-batch.ts";
import { EVENT_SCHEMA_NAMES } from "../../contract/events.ts";
import { type AccessSources, createAccess } from "../../contract/gate.ts";
import { Limiter, type LimiterOptions } from "../../contract/limiter.ts";
import { type Log, messageOf } from "../../contract/log.ts";
import { METRICS_CONTENT_TYPE } from "../../contract/metrics.ts";
import { type Problem, problemResponse } from "../../contract/problem.ts";
import { SCHEMA_SOURCES } from "../../contract/schemas/generated/schema-sources.ts";
import { TRACE_HEADER, traceIdOf } from "../../contract/trace.ts";
import type { EpochMs } from "../../domain/units.ts";
import type { IdHashes } from "./id-hashes.ts";
import { ingestMetrics } from "./ingest-metrics.ts";
import { EventLimits } from "./limits/event-limits.ts";
import { OrdinaryBodies } from "./ordinary-bodies.ts";
import type { AppendBatch } from "./outbox-shards.ts";
import { postEvents } from "./post-events.ts";
import { refuseEvent } from "./refuse-event.ts";
import type { RegionDirectory } from "./region-directory.ts";

/** What the Worker is given from outside. */
export interface IngestDeps {
  access: AccessSources;
  limits: Pick<LimiterOptions, "ledger" | "globalLimit">;
  cors: Cors;
  directory: RegionDirectory;
  hashes: IdHashes;
  append: AppendBatch;
  /** How the outboxes stand, in the text format of the metrics. */
  outboxMetrics(): Promise<string>;
  wallNow(): EpochMs;
  eventNow(): EpochMs;
  /** How far a device's clock may run ahead; what it says then counts as now. */
  clockClampMs: number;
  newTraceId(): string;
  log: Log;
}

type Result = Response | Problem;
/** `principal` is null on an open route. */
type Handler = (
  c: Context,
  traceId: string,
  principal: Principal | null,
) => Result | Promise<Result>;

const EVENTS_PATH = "/api/v1/events";

/** The app; it keeps counters, token buckets and buffers for as long as its isolate lives. */
export function createIngestApp(deps: IngestDeps): Hono {
  const { cors, directory, hashes, append, wallNow, eventNow, clockClampMs, log } = deps;
  const metrics = ingestMetrics();
  const { registry } = metrics;
  const limiter = new Limiter({ ...deps.limits, service: "ingest", wallNow, metrics: registry });
  const access = createAccess(deps.access, { wallNow, log, metrics: registry });
  const gate = { ...access, limiter };
  const packer = new BatchPacker();
  const ordinaryBodies = new OrdinaryBodies();

  /** Wraps a handler with what every route has: trace id, key, problems, the log of what fails, and counters. */
  const serve = (permission: Permission | null, handler: Handler) => async (c: Context) => {
    const request = c.req.raw;
    const traceId = traceIdOf(request.headers.get("traceparent"), deps.newTraceId);
    let response: Response;
    let principal: Principal | null = null;
    try {
      const caller =
        permission && (await admit(gate, request.headers, permission, c.executionCtx, traceId));
      if (caller && "problem" in caller) {
        response = refusalResponse(caller, traceId);
      } else {
        principal = caller;
        const result = await handler(c, traceId, principal);
        response = result instanceof Response ? result : problemResponse(result, traceId);
      }
      await discardBody(request);
    } catch (error) {
      log("error", "unexpected failure", { traceId, error: messageOf(error) });
      response = problemResponse({ type: "internal" }, traceId);
    }
    response.headers.set(TRACE_HEADER, traceId);
    // A page that has a server's key may not read with it; whoever was refused may be anybody.
    const isOpen = permission !== null && isForPublic(permission);
    if (isOpen && (principal === null || principal.isPublic)) cors.allow(request, response);
    metrics.answered(response.status);
    return response;
  };
  const regionsFor = (c: Context) =>
    directory.current((reading) => c.executionCtx.waitUntil(reading));

  const app = new Hono();
  app.post(
    EVENTS_PATH,
    serve("events:write", async (c, traceId, principal) => {
      const regions = () => regionsFor(c);
      const clocks = { eventNow, wallNow, clockClampMs };
      const session = limiter.session(principal, c.req.raw.headers);
      const limits = new EventLimits(session, c.executionCtx);
      const refuse = refuseEvent(principal, limits);
      const stores = { regions, hashes, packer, ordinaryBodies, append, metrics };
      const ports = { ...clocks, ...stores, limits, refuse };
      const result = await postEvents(c.req.raw, ports);
      if ("problem" in result) return refusalResponse(result, traceId);
      return "type" in result ? result : Response.json(result, { status: 202 });
    }),
  );
  app.get(
    `${EVENTS_PATH}/schemas/:name`,
    serve(null, (c) => eventSchemaText(c.req.param("name"))),
  );
  app.get(
    "/healthz",
    serve(null, () => Response.json({ status: "ok" })),
  );
  app.get(
    "/readyz",
    serve(null, async (c) => {
      const regions = await regionsFor(c);
      if (regions) return Response.json({ status: "ready", regions: regions.size });
      return { type: "unavailable", detail: "The list of regions cannot be read.", retryAfterS: 1 };
    }),
  );
  app.get(
    "/metrics",
    serve("metrics:read", async () => {
      const headers = { "content-type": METRICS_CONTENT_TYPE };
      const outboxes = await deps.outboxMetrics();
      return new Response(metrics.registry.text() + outboxes, { headers });
    }),
  );
  app.all(
    EVENTS_PATH,
    serve(null, (c, traceId) => {
      return cors.preflight(c.req.raw, ["POST"]) ?? notAllowed("POST", traceId);
    }),
  );
  for (const path of [`${EVENTS_PATH}/schemas/*`, "/healthz", "/readyz", "/metrics"]) {
    app.all(
      path,
      serve(null, (_, traceId) => notAllowed("GET, HEAD", traceId)),
    );
  }
  app.notFound(serve(null, () => ({ type: "not_found" })));
  return app;
}

/** A schema as it is in contract/schemas; it changes with a deployment only. */
function eventSchemaText(name: string | undefined): Result {
  const known = EVENT_SCHEMA_NAMES.find((one) => one === name);
  if (!known) return { type: "not_found", detail: `Schemas: ${EVENT_SCHEMA_NAMES.join(", ")}.` };
  const headers = {
    "content-type": "text/plain; charset=utf-8",
    "cache-control": "public, max-age=3600",
  };
  return new Response(SCHEMA_SOURCES[known], { headers });
}

function notAllowed(allowed: string, traceId: string): Response {
  const headers = { allow: allowed };
  return refusalResponse({ problem: { type: "method_not_allowed" }, headers }, traceId);
}
