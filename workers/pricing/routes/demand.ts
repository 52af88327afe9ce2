/** What is going on in a region, and what is to come: GET /api/v1/regions, /regions/{id}/demand, /forecast/demand. */
import { forbiddenRegion } from "../../../contract/access.ts";
import type { Limiter } from "../../../contract/limiter.ts";
import { instantText } from "../../../contract/names.ts";
import {
  type ForecastAnswer,
  forecastPointsFrom,
  forecastQuerySchema,
} from "../../../contract/pricing.ts";
import type { Problem } from "../../../contract/problem.ts";
import { demandAnswerFrom } from "../../../contract/regions.ts";
import { confidenceOf, demandScoreOf } from "../../../domain/forecast.ts";
import type { RegionId } from "../../../domain/units.ts";
import type { Catalog } from "../catalog.ts";
import { charge } from "../charge.ts";
import type { Dependency } from "../dependency.ts";
import type { Pipeline } from "../pipeline.ts";
import { checkedQuery } from "../read-body.ts";
import type { Handler } from "../router.ts";
import type { RegionWindows } from "../stores.ts";
import { jsonResponse } from "./json.ts";

export const unknownRegion = (regionId: string): Problem => ({
  type: "unknown_region",
  detail: `No region is called ${regionId}.`,
});

/** The regions in force. Before any were published there is nothing to list, though the shipped ones can be priced. */
export function listRegions(catalog: Catalog): Handler {
  return async () => {
    await catalog.renewIfUnknown();
    if (catalog.published().regions === null) return { type: "not_published" };
    return jsonResponse(catalog.inForce().regions.document);
  };
}

export interface DemandPorts {
  catalog: Catalog;
  regionWindows: RegionWindows;
  regions: Dependency;
  limiter: Limiter;
}

/** Straight from the region's object: whoever looks at live demand wants it live. */
export function readDemand({ catalog, regionWindows, regions, limiter }: DemandPorts): Handler {
  return async (call) => {
    const regionId = call.param("region_id") as RegionId;
    const outside = forbiddenRegion(call.principal, regionId);
    if (outside !== null) return outside;
    await catalog.renewIfUnknown();
    if (!catalog.inForce().regions.byId.has(regionId)) return unknownRegion(regionId);
    const refusal = await charge(limiter, call, undefined, regionId);
    if (refusal !== null) return refusal;
    const demand = await regions.ask(() => regionWindows(regionId).demand());
    if (!demand.ok) return { type: "unavailable", detail: demand.detail, retryAfterS: 1 };
    return jsonResponse(demandAnswerFrom(regionId, demand.value));
  };
}

export function forecastDemand(pipeline: Pipeline, limiter: Limiter): Handler {
  return async (call) => {
    const query = checkedQuery(forecastQuerySchema, call.request);
    if ("type" in query) return query;
    const { region_id, horizon } = query.value;
    const outside = forbiddenRegion(call.principal, region_id);
    if (outside !== null) return outside;
    const refusal = await charge(limiter, call, undefined, region_id);
    if (refusal !== null) return refusal;
    const waiting = pipeline.prepare(region_id, call);
    if (waiting !== null) await waiting;
    const prices = pipeline.pricesOf(region_id, call.now);
    if (!prices) return unknownRegion(region_id);
    const { snapshot, foresight } = prices;
    if (!snapshot || !foresight.forecast) {
      const detail = "There is no forecast of this region yet.";
      return { type: "unavailable", detail, retryAfterS: 1 };
    }
    const { forecast } = foresight;
    const answer: ForecastAnswer = {
      region_id,
      made_at: instantText(forecast.madeAt),
      model_version: forecast.modelVersion,
      points: forecastPointsFrom(forecast, horizon),
      demand_score: demandScoreOf(forecast, snapshot.usual),
      confidence: confidenceOf(forecast),
    };
    return jsonResponse(answer);
  };
}
