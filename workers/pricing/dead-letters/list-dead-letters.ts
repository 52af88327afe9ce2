/** GET /admin/v1/dead-letters, /admin/v1/dead-letters/{id} and /admin/v1/dead-letter-actions */
import {
  type DeadLetter,
  type DeadLetterState,
  deadLettersQuerySchema,
} from "../../../contract/dead-letters.ts";
import { instantText } from "../../../contract/names.ts";
import { type AdminPorts, unavailable } from "../admin/config-changes.ts";
import { pageAfter, placeText } from "../keyset.ts";
import { checkedQuery } from "../read-body.ts";
import type { Handler } from "../router.ts";
import { jsonResponse } from "../routes/json.ts";
import { latestActions } from "./actions.ts";
import { findDeadLetter, type ListedLetter, listDeadLetters } from "./dead-letter-store.ts";
import { contentOf } from "./read-content.ts";

export type DatabasePorts = Pick<AdminPorts, "database" | "databaseDependency">;

export function showDeadLetters({ database, databaseDependency }: DatabasePorts): Handler {
  return async ({ request }) => {
    const query = checkedQuery(deadLettersQuerySchema, request);
    if ("type" in query) return query;
    const { after, limit, ...selection } = query.value;
    const page = pageAfter(after);
    if ("type" in page) return page;
    const found = await databaseDependency.ask(() =>
      listDeadLetters(database, selection, page.place, limit),
    );
    if (!found.ok) return unavailable(found);
    const last = found.value.length === limit ? found.value.at(-1) : undefined;
    return jsonResponse({
      dead_letters: found.value.map(deadLetterFrom),
      next: last ? placeText({ at: last.lastAt, id: last.id }) : null,
    });
  };
}

export function readDeadLetter({ database, databaseDependency }: DatabasePorts): Handler {
  return async (call) => {
    const found = await databaseDependency.ask(() => findDeadLetter(database, call.param("id")));
    if (!found.ok) return unavailable(found);
    if (!found.value) return { type: "unknown_dead_letter" };
    return jsonResponse({ ...deadLetterFrom(found.value), content: contentOf(found.value) });
  };
}

export function showDeadLetterActions({ database, databaseDependency }: DatabasePorts): Handler {
  return async () => {
    const actions = await databaseDependency.ask(() => latestActions(database));
    return actions.ok ? jsonResponse({ actions: actions.value }) : unavailable(actions);
  };
}

/** A dead letter as the wire writes it. */
export function deadLetterFrom(row: ListedLetter): DeadLetter {
  const { redrivenAt } = row;
  return {
    id: row.id,
    queue: row.queue,
    region_id: row.regionId,
    reason: row.reason,
    detail: row.detail,
    state: stateOf(row),
    first_at: instantText(row.firstAt),
    last_at: instantText(row.lastAt),
    deliveries: row.deliveries,
    bytes: row.bytes,
    redrives: row.redrives,
    redriven_at: redrivenAt === null ? null : instantText(redrivenAt),
  };
}

/** One that came again after it was sent back waits again. */
function stateOf({ redrivenAt, lastAt, purgedAt }: ListedLetter): DeadLetterState {
  if (purgedAt !== null) return "purged";
  return redrivenAt !== null && redrivenAt >= lastAt ? "redriven" : "waiting";
}
