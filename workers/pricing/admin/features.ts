/** GET /admin/v1/features/{region_id}: what a region's prices are made from now. */
import { forbiddenRegion } from "../../../contract/access.ts";
import { type FeaturesAnswer, featuresQuerySchema } from "../../../contract/admin.ts";
import { snapshotInputsFrom } from "../../../contract/explain.ts";
import { instantText } from "../../../contract/names.ts";
import { decimalFrom } from "../../../domain/money.ts";
import type { ProductType, RegionId } from "../../../domain/units.ts";
import type { Catalog } from "../catalog.ts";
import type { Dependency } from "../dependency.ts";
import { checkedQuery } from "../read-body.ts";
import type { Handler } from "../router.ts";
import { unknownRegion } from "../routes/demand.ts";
import { jsonResponse } from "../routes/json.ts";
import type { RegionWindows } from "../stores.ts";
import { unavailable } from "./config-changes.ts";

/** No product is called so. */
const NO_PRODUCT = "" as ProductType;

export function readFeatures(
  catalog: Catalog,
  regionWindows: RegionWindows,
  dependency: Dependency,
): Handler {
  return async (call) => {
    const query = checkedQuery(featuresQuerySchema, call.request);
    if ("type" in query) return query;
    const regionId = call.param("region_id") as RegionId;
    const outside = forbiddenRegion(call.principal, regionId);
    if (outside !== null) return outside;
    await catalog.renewIfUnknown();
    const region = catalog.inForce().regions.byId.get(regionId);
    if (!region) return unknownRegion(regionId);
    const found = await dependency.ask(() => regionWindows(regionId).snapshot(0, region.timeZone));
    if (!found.ok) return unavailable(found);
    const snapshot = found.value;
    // No region says that nothing is newer than tick 0.
    if (!snapshot) throw new Error(`${regionId} has no snapshot`);
    const told = Object.entries(snapshot.told).map(([slot, prices]) => {
      const lately = prices.map(({ at, priceMinor }) => ({
        at: instantText(at),
        price: decimalFrom(priceMinor, region.currency),
      }));
      return [slot, lately] as const;
    });
    const answer: FeaturesAnswer = {
      region_id: regionId,
      ...snapshotInputsFrom(snapshot, query.value.product_type ?? NO_PRODUCT),
      made_at: instantText(snapshot.madeAt),
      feature_set_version: snapshot.featureSetVersion,
      told: Object.fromEntries(told),
    };
    return jsonResponse(answer);
  };
}
