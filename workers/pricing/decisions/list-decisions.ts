/** GET /admin/v1/decisions */
import {
  type DecisionSelection,
  type DecisionsAnswer,
  decisionsQuerySchema,
  listedDecisionFrom,
} from "../../../contract/decision-view.ts";
import type { Problem } from "../../../contract/problem.ts";
import { unavailable } from "../admin/config-changes.ts";
import type { Call } from "../call.ts";
import type { EdgeDatabase } from "../decision-store.ts";
import type { Dependency } from "../dependency.ts";
import { pageAfter, placeText } from "../keyset.ts";
import { checkedQuery } from "../read-body.ts";
import type { Handler } from "../router.ts";
import { jsonResponse } from "../routes/json.ts";
import { forbiddenSelection } from "./forbidden-selection.ts";
import { selectDecisions } from "./select-decisions.ts";

export interface AuditPorts {
  database: EdgeDatabase;
  databaseDependency: Dependency;
}

export function listDecisions(ports: AuditPorts): Handler {
  return async (call) => {
    const query = checkedQuery(decisionsQuerySchema, call.request);
    if ("type" in query) return query;
    const { after, limit, ...selection } = query.value;
    return pageOfDecisions(ports, call, selection, after, limit);
  };
}

/** A page of the decisions that are meant, as far as whoever asks may see them. */
export async function pageOfDecisions(
  { database, databaseDependency }: AuditPorts,
  { principal }: Call,
  selection: DecisionSelection,
  after: string | undefined,
  limit: number,
): Promise<Response | Problem> {
  const outside = forbiddenSelection(principal, selection);
  if (outside !== null) return outside;
  const page = pageAfter(after);
  if ("type" in page) return page;
  const found = await databaseDependency.ask(async () =>
    selectDecisions(database, selection, page.place, limit),
  );
  if (!found.ok) return unavailable(found);
  const last = found.value.length === limit ? found.value.at(-1) : undefined;
  const answer: DecisionsAnswer = {
    decisions: found.value.map(listedDecisionFrom),
    next: last ? placeText({ at: last.decidedAt, id: String(last.rowid) }) : null,
  };
  return jsonResponse(answer);
}
