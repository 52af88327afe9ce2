/** PUT /admin/v1/regions/{region_id}/history: what a region should know of the time before its first event. */
import { forbiddenRegion } from "../../../contract/access.ts";
import {
  historySeedFrom,
  historySeedSchema,
  MAX_HISTORY_BODY_BYTES,
} from "../../../contract/admin.ts";
import type { RegionId } from "../../../domain/units.ts";
import type { Catalog } from "../catalog.ts";
import type { Dependency } from "../dependency.ts";
import { checked, readJson } from "../read-body.ts";
import type { Handler } from "../router.ts";
import { unknownRegion } from "../routes/demand.ts";
import { jsonResponse } from "../routes/json.ts";
import type { RegionWindows } from "../stores.ts";
import { unavailable } from "./config-changes.ts";

export function seedHistory(
  catalog: Catalog,
  regionWindows: RegionWindows,
  dependency: Dependency,
): Handler {
  return async (call) => {
    const regionId = call.param("region_id") as RegionId;
    const outside = forbiddenRegion(call.principal, regionId);
    if (outside !== null) return outside;
    const body = await readJson(call.request, MAX_HISTORY_BODY_BYTES);
    if (!("json" in body)) return body;
    const input = checked(historySeedSchema, body.json);
    if ("type" in input) return input;
    await catalog.renewIfUnknown();
    if (!catalog.inForce().regions.byId.has(regionId)) return unknownRegion(regionId);
    const seed = historySeedFrom(input.value);
    const told = await dependency.ask(() => regionWindows(regionId).seedHistory(seed));
    if (!told.ok) return unavailable(told);
    return jsonResponse({ region_id: regionId, slots: seed.counts.length });
  };
}
