/** The origin's HTTP service: is it alive, is the edge provisioned, how does it fare. */
import { Hono } from "hono";
import type { DeployedKeys } from "../../contract/deployed-keys.ts";
import { METRICS_CONTENT_TYPE, type Metrics } from "../../contract/metrics.ts";
import { type Problem, problemResponse } from "../../contract/problem.ts";

export interface AppPorts {
  keys: DeployedKeys;
  metrics: Metrics;
  /** What it still waits for, or null when it is ready. */
  waitingFor(): string | null;
  newTraceId(): string;
}

export function createApp({ keys, metrics, waitingFor, newTraceId }: AppPorts): Hono {
  const app = new Hono();
  const problem = (what: Problem) => problemResponse(what, newTraceId());

  app.get("/healthz", (context) => context.json({ status: "ok" }));
  app.get("/readyz", (context) => {
    const missing = waitingFor();
    return missing === null
      ? context.json({ status: "ready" })
      : problem({ type: "unavailable", detail: missing, retryAfterS: 1 });
  });
  app.get("/metrics", (context) => {
    const principal = keys.ofHeader(context.req.header("authorization"));
    if (principal === null) return problem({ type: "unauthenticated" });
    if (!principal.permissions.has("metrics:read")) return problem({ type: "forbidden" });
    return context.body(metrics.text(), 200, { "content-type": METRICS_CONTENT_TYPE });
  });
  app.notFound(() => problem({ type: "not_found" }));
  return app;
}
