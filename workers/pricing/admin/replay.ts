/** POST and GET /admin/v1/regions/{region_id}/replay */
import { forbiddenRegion } from "../../../contract/access.ts";
import { mediaTypeOf, readBytes } from "../../../contract/body.ts";
import type { Problem } from "../../../contract/problem.ts";
import {
  MAX_REPLAY_BODY_BYTES,
  parcelsIn,
  REPLAY_CONTENT_TYPE,
  replayedAnswerFrom,
  replaySummaryAnswerFrom,
} from "../../../contract/replay.ts";
import type { RegionReplayRpc } from "../../../contract/rpc.ts";
import type { RegionId } from "../../../domain/units.ts";
import type { Catalog } from "../catalog.ts";
import type { Dependency } from "../dependency.ts";
import type { Handler } from "../router.ts";
import { unknownRegion } from "../routes/demand.ts";
import { jsonResponse } from "../routes/json.ts";
import { unavailable } from "./config-changes.ts";

export interface ReplayPorts {
  catalog: Catalog;
  /** The object of a region, in the aggregator. */
  regionReplays(regionId: RegionId): RegionReplayRpc;
  dependency: Dependency;
}

/** Plays parcels into a region that is published and has heard nothing else. */
export function replayParcels({ catalog, regionReplays, dependency }: ReplayPorts): Handler {
  return async (call) => {
    const regionId = call.param("region_id") as RegionId;
    const outside = forbiddenRegion(call.principal, regionId);
    if (outside !== null) return outside;
    const contentType = mediaTypeOf(call.request.headers.get("content-type"));
    if (contentType !== REPLAY_CONTENT_TYPE) {
      return { type: "unsupported_media_type", detail: `Send parcels as ${REPLAY_CONTENT_TYPE}.` };
    }
    const body = await readBytes(call.request, MAX_REPLAY_BODY_BYTES);
    if (!(body instanceof Uint8Array)) return body;
    const parcels = parcelsIn(body, regionId);
    if (!parcels) {
      return { type: "malformed_body", detail: `The body is not parcels of ${regionId}.` };
    }
    await catalog.renewIfUnknown();
    if (!catalog.inForce().regions.byId.has(regionId)) return unknownRegion(regionId);
    const told = await dependency.ask(() => regionReplays(regionId).replay(parcels));
    if (!told.ok) return unavailable(told);
    return told.value === null
      ? isLive(regionId)
      : jsonResponse(replayedAnswerFrom(regionId, told.value));
  };
}

/** What was played so far, the windows that are open still among its signals. */
export function readReplay({ catalog, regionReplays, dependency }: ReplayPorts): Handler {
  return async (call) => {
    const regionId = call.param("region_id") as RegionId;
    const outside = forbiddenRegion(call.principal, regionId);
    if (outside !== null) return outside;
    await catalog.renewIfUnknown();
    if (!catalog.inForce().regions.byId.has(regionId)) return unknownRegion(regionId);
    const told = await dependency.ask(() => regionReplays(regionId).replayed());
    if (!told.ok) return unavailable(told);
    return told.value === null
      ? isLive(regionId)
      : jsonResponse(replaySummaryAnswerFrom(regionId, told.value));
  };
}

function isLive(regionId: RegionId): Problem {
  const detail = `${regionId} hears events of its own. Publish a region that nobody sends to, and replay into that.`;
  return { type: "region_is_live", detail };
}
