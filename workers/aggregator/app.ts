/** The routes of the aggregator: health and metrics. Its work comes from the queue and by RPC. */
import { type Context, Hono } from "hono";
import type { Permission } from "../../contract/access.ts";
import { admit, refusalResponse } from "../../contract/admit.ts";
import { discardBody } from "../../contract/body.ts";
import { type AccessSources, createAccess } from "../../contract/gate.ts";
import { Limiter } from "../../contract/limiter.ts";
import type { Log } from "../../contract/log.ts";
import { METRICS_CONTENT_TYPE } from "../../contract/metrics.ts";
import { problemResponse } from "../../contract/problem.ts";
import { TRACE_HEADER, traceIdOf } from "../../contract/trace.ts";
import type { AggregatorMetrics } from "./aggregator-metrics.ts";

export interface AggregatorDeps {
  access: AccessSources;
  log: Log;
  metrics: AggregatorMetrics;
  wallNow(): number;
  newTraceId(): string;
}

type Handler = (traceId: string) => Response;

export function createAggregatorApp({
  access,
  log,
  metrics,
  wallNow,
  newTraceId,
}: AggregatorDeps): Hono {
  const limiter = new Limiter({
    ...{ service: "aggregator", ledger: null, globalLimit: null, wallNow },
    metrics: metrics.registry,
  });
  const gate = {
    ...createAccess(access, { wallNow, log, metrics: metrics.registry }),
    limiter,
  };

  const serve = (permission: Permission | null, handler: Handler) => async (c: Context) => {
    const request = c.req.raw;
    const traceId = traceIdOf(request.headers.get("traceparent"), newTraceId);
    const caller =
      permission && (await admit(gate, request.headers, permission, c.executionCtx, traceId));
    const response =
      caller && "problem" in caller ? refusalResponse(caller, traceId) : handler(traceId);
    await discardBody(request);
    response.headers.set(TRACE_HEADER, traceId);
    return response;
  };

  const app = new Hono();
  app.get(
    "/healthz",
    serve(null, () => Response.json({ status: "ok" })),
  );
  app.get(
    "/readyz",
    serve(null, () => Response.json({ status: "ready" })),
  );
  app.get(
    "/metrics",
    serve("metrics:read", () => {
      const headers = { "content-type": METRICS_CONTENT_TYPE };
      return new Response(metrics.registry.text(), { headers });
    }),
  );
  for (const path of ["/healthz", "/readyz", "/metrics"]) {
    app.all(
      path,
      serve(null, (traceId) => {
        const headers = { allow: "GET, HEAD" };
        return refusalResponse({ problem: { type: "method_not_allowed" }, headers }, traceId);
      }),
    );
  }
  app.notFound(serve(null, (traceId) => problemResponse({ type: "not_found" }, traceId)));
  return app;
}
