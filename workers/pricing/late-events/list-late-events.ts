/** GET /admin/v1/late-events */
import { forbiddenEverywhere, forbiddenRegion } from "../../../contract/access.ts";
import {
  type LateEvent,
  type LateEventsAnswer,
  lateEventsQuerySchema,
} from "../../../contract/late-event-view.ts";
import { instantText } from "../../../contract/names.ts";
import { SECOND_MS } from "../../../domain/units.ts";
import { type AdminPorts, unavailable } from "../admin/config-changes.ts";
import { pageAfter, placeText } from "../keyset.ts";
import { checkedQuery } from "../read-body.ts";
import type { Handler } from "../router.ts";
import { jsonResponse } from "../routes/json.ts";
import { countLateEvents, type LateRow, listLateEvents } from "./late-event-store.ts";

export function showLateEvents({
  database,
  databaseDependency,
}: Pick<AdminPorts, "database" | "databaseDependency">): Handler {
  return async ({ request, principal }) => {
    const query = checkedQuery(lateEventsQuerySchema, request);
    if ("type" in query) return query;
    const { after, limit, ...selection } = query.value;
    const { region_id } = selection;
    const outside =
      region_id === undefined
        ? forbiddenEverywhere(principal)
        : forbiddenRegion(principal, region_id);
    if (outside !== null) return outside;
    const page = pageAfter(after);
    if ("type" in page) return page;
    const found = await databaseDependency.ask(() =>
      Promise.all([
        listLateEvents(database, selection, page.place, limit),
        after === undefined ? countLateEvents(database, selection) : null,
      ]),
    );
    if (!found.ok) return unavailable(found);
    const [rows, counts] = found.value;
    const last = rows.length === limit ? rows.at(-1) : undefined;
    const answer: LateEventsAnswer = {
      late_events: rows.map(lateEventFrom),
      next: last ? placeText({ at: last.arrivedAt, id: last.id }) : null,
      counts:
        counts?.map(({ regionId, events, meanLateByMs, maxLateByMs }) => ({
          region_id: regionId,
          events,
          mean_late_by_s: meanLateByMs / SECOND_MS,
          max_late_by_s: maxLateByMs / SECOND_MS,
        })) ?? null,
    };
    return jsonResponse(answer);
  };
}

function lateEventFrom(row: LateRow): LateEvent {
  return {
    region_id: row.regionId,
    event_type: row.eventType,
    occurred_at: instantText(row.occurredAt),
    arrived_at: instantText(row.arrivedAt),
    late_by_s: (row.arrivedAt - row.occurredAt) / SECOND_MS,
    key_hash: row.keyHash,
    user_hash: row.userHash,
    product_type: row.productType,
    quantity: row.quantity,
    metadata: row.metadata,
  };
}
