/** What operators and machines ask the Worker about itself. */
import { METRICS_CONTENT_TYPE, type Metrics } from "../../../contract/metrics.ts";
import type { EpochMs } from "../../../domain/units.ts";
import type { Catalog } from "../catalog.ts";
import type { Pipeline } from "../pipeline.ts";
import type { Handler } from "../router.ts";
import { jsonResponse } from "./json.ts";

export const health: Handler = () => jsonResponse({ status: "ok" });

/**
 * Ready once a price would come with source "model": documents read, a model loaded and its golden answers right, and a
 * region that answers. The question itself sets loading off.
 */
export function readiness(catalog: Catalog, pipeline: Pipeline): Handler {
  return async (call) => {
    // Anyone may ask this, so it looks for what is new no oftener than prices do.
    await (catalog.isDue(call.now) ? catalog.renew() : catalog.renewIfUnknown());
    const { regions, model } = catalog.inForce();
    if (!model) return notReady("No model is loaded.");
    const [regionId] = regions.byId.keys();
    if (regionId === undefined) return notReady("There are no regions.");
    const waiting = pipeline.prepare(regionId, call);
    if (waiting !== null) await waiting;
    const source = pipeline.pricesOf(regionId, call.now)?.foresight.source;
    if (source !== "model") return notReady(`Prices come from ${source}.`);
    return jsonResponse({ status: "ready" });
  };
}

const notReady = (detail: string) => ({ type: "unavailable", detail, retryAfterS: 1 }) as const;

/** @param refresh brings those figures up to date that are not this isolate's */
export function showMetrics(metrics: Metrics, refresh: (now: EpochMs) => Promise<void>): Handler {
  return async ({ now }) => {
    await refresh(now);
    return new Response(metrics.text(), { headers: { "content-type": METRICS_CONTENT_TYPE } });
  };
}

export const describeApi: Handler = async () => {
  const openApi = await import("../../../contract/openapi.json", { with: { type: "json" } });
  return jsonResponse(openApi.default);
};
