/** GET /admin/v1/exposures */
import { type ExposuresAnswer, exposuresQuerySchema } from "../../../contract/exposures.ts";
import { instantText } from "../../../contract/names.ts";
import { type AdminPorts, unavailable } from "../admin/config-changes.ts";
import { checkedQuery } from "../read-body.ts";
import type { Handler } from "../router.ts";
import { jsonResponse } from "../routes/json.ts";
import { type ExposureRow, listExposures } from "./exposure-store.ts";

export function showExposures({
  database,
  databaseDependency,
}: Pick<AdminPorts, "database" | "databaseDependency">): Handler {
  return async ({ request }) => {
    const query = checkedQuery(exposuresQuerySchema, request);
    if ("type" in query) return query;
    const { experiment, after, limit } = query.value;
    const rows = await databaseDependency.ask(() =>
      listExposures(database, experiment, after, limit),
    );
    if (!rows.ok) return unavailable(rows);
    const last = rows.value.length === limit ? rows.value.at(-1) : undefined;
    const answer: ExposuresAnswer = {
      experiment,
      exposures: rows.value.map(exposureFrom),
      next: last?.userHash ?? null,
    };
    return jsonResponse(answer);
  };
}

function exposureFrom(row: ExposureRow): ExposuresAnswer["exposures"][number] {
  return {
    user_hash: row.userHash,
    variant: row.variant,
    region_id: row.regionId,
    product_type: row.productType,
    decision_id: row.decisionId,
    exposed_at: instantText(row.exposedAt),
    logged_at: instantText(row.loggedAt),
  };
}
