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
import { armText, keyOfRequestId, textOfKey } from "../../../domain/decision.ts";
import { measuresFor } from "../../../domain/emergency.ts";
import { decimalFrom } from "../../../domain/money.ts";
import { bookOf } from "../../../domain/rule-book.ts";
import { slotOf } from "../../../domain/told-prices.ts";
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
  const { decision, rules, emergency, region, snapshot, forecast, decidedAt } = replayed;
  const { regionId, productType, period, experiment, attributes } = decision.key;
  const { currency } = decision.price;
  const { layers = [] } =
    bookOf(rules.document).timelineOf(regionId, productType)?.periods[period] ?? {};
  const measures = emergency && measuresFor(emergency.document, regionId, productType, currency);
  const told = snapshot?.told[slotOf(productType, experiment && armText(experiment))] ?? [];
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
      rules: {
        version: rules.version,
        layers: layers.map(({ name }) => name),
        document: rules.json,
      },
      emergency:
        emergency && measures
          ? { version: emergency.version, measures: [...measures.names] }
          : null,
      told: told.map(({ at, priceMinor }) => ({
        at: instantText(at),
        price: decimalFrom(priceMinor, currency),
      })),
      attributes,
      experiment,
    },
    steps: stepsOf(replayed),
    summary: summaryOf({ region, decision }),
  };
}
