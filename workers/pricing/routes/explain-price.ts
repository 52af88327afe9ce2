/** GET /api/v1/pricing/explain */
import { forbiddenRegion } from "../../../contract/access.ts";
import {
  type ExplainAnswer,
  explainQuerySchema,
  forecastInputFrom,
  snapshotInputsFrom,
} from "../../../contract/explain.ts";
import { instantText } from "../../../contract/names.ts";
import { decidedAnswerFrom } from "../../../contract/pricing.ts";
import { keyOfRequestId, textOfKey } from "../../../domain/decision.ts";
import { ruleSetNameOf } from "../../../domain/rules.ts";
import { type Replay, type ReplayPorts, replay } from "../explain/replay.ts";
import { stepsOf, summaryOf } from "../explain/steps.ts";
import { checkedQuery } from "../read-body.ts";
import type { Handler } from "../router.ts";
import { jsonResponse } from "./json.ts";

export function explainPrice(ports: ReplayPorts): Handler {
  return async ({ request, principal }) => {
    const query = checkedQuery(explainQuerySchema, request);
    if ("type" in query) return query;
    const { request_id } = query.value;
    const key = keyOfRequestId(request_id);
    if (!key) {
      return { type: "unknown_decision", detail: "The request id is not one of a price." };
    }
    const outside = forbiddenRegion(principal, key.regionId);
    if (outside !== null) return outside;
    await ports.catalog.renewIfUnknown();
    const replayed = await replay(ports, key);
    if ("type" in replayed) return replayed;
    return jsonResponse(explainAnswerFrom(request_id, replayed));
  };
}

function explainAnswerFrom(requestId: string, replayed: Replay): ExplainAnswer {
  const { decision, rules, region, snapshot, forecast, decidedAt } = replayed;
  const { regionId, productType } = decision.key;
  const ruleSet = ruleSetNameOf(rules.document, regionId);
  return {
    request_id: requestId,
    decision_id: textOfKey(decision.key),
    region_id: regionId,
    product_type: productType,
    decided_at: decidedAt === null ? null : instantText(decidedAt),
    replayed: replayed.replayed,
    decision: decidedAnswerFrom(decision),
    inputs: {
      ...snapshotInputsFrom(snapshot, productType),
      forecast: forecastInputFrom(forecast),
      rules: { version: rules.version, rule_set: ruleSet, document: rules.json },
      experiment: null,
    },
    steps: stepsOf(replayed),
    summary: summaryOf({ region, decision }),
  };
}
