/** POST /api/v1/pricing/compute and /batch. */

import { forbiddenRegion } from "../../../contract/access.ts";
import { limitProblem } from "../../../contract/admit.ts";
import type { Limiter } from "../../../contract/limiter.ts";
import {
  batchRequestSchema,
  MAX_BATCH_BODY_BYTES,
  MAX_BATCH_ITEMS,
  MAX_COMPUTE_BODY_BYTES,
} from "../../../contract/pricing.ts";
import { type Problem, problemBody } from "../../../contract/problem.ts";
import type { Call } from "../call.ts";
import { charge, chargeEach } from "../charge.ts";
import type { Asked, Pipeline } from "../pipeline.ts";
import { checked, readJson } from "../read-body.ts";
import type { Handler } from "../router.ts";
import { askedFrom } from "./asked.ts";

const FROM_MEMORY = 'memory;desc="hit"';

const NO_CACHE = /(^|,)\s*no-cache\s*(,|$)/i;

/** One price. */
export function computePrice(pipeline: Pipeline, limiter: Limiter, wallNow: () => number): Handler {
  return async (call) => {
    const body = await readJson(call.request, MAX_COMPUTE_BODY_BYTES);
    if (!("json" in body)) return body;
    const asked = askedFrom(body.json);
    if ("type" in asked) return asked;
    const outside = forbiddenRegion(call.principal, asked.region_id);
    if (outside !== null) return outside;
    const verdict = charge(limiter, call, asked.user_id, asked.region_id);
    const refusal = verdict instanceof Promise ? await verdict : verdict;
    if (refusal !== null) return refusal;
    const waiting = pipeline.prepare(asked.region_id, call);
    if (waiting !== null) await waiting;
    const anew = isForAnew(call);
    const answer = pipeline.tell(asked, call, anew);
    if (typeof answer !== "string") return answer;
    if (waiting === null && !anew) return new Response(answer, headOf(FROM_MEMORY));
    return new Response(answer, timed(call, wallNow, anew ? "decision" : "features"));
  };
}

/** Up to 200 prices, each its answer or its problem. */
export function computePrices(
  pipeline: Pipeline,
  limiter: Limiter,
  wallNow: () => number,
): Handler {
  return async (call) => {
    const body = await readJson(call.request, MAX_BATCH_BODY_BYTES);
    if (!("json" in body)) return body;
    const items = itemsOf(body.json);
    if ("type" in items) return items;
    const asked = items.items.map((item, i) => withinScope(askedFrom(item, `items[${i}]`), call));
    const priced = asked.map((one) => ("type" in one ? null : one));
    const refusals = await chargeEach(limiter, call, priced);
    const regions = new Set(asked.flatMap((one) => ("type" in one ? [] : [one.region_id])));
    const waiting = [...regions].flatMap((regionId) => pipeline.prepare(regionId, call) ?? []);
    if (waiting.length > 0) await Promise.all(waiting);
    const anew = isForAnew(call);
    const answers = asked.map((one, i) => {
      const refusal = refusals?.[i];
      const problem = refusal ? limitProblem(refusal) : one;
      const answer = "type" in problem ? problem : pipeline.tell(problem, call, anew);
      return typeof answer === "string"
        ? answer
        : JSON.stringify(problemBody(answer, call.traceId));
    });
    return new Response(`{"items":[${answers.join()}]}`, timed(call, wallNow, "prices"));
  };
}

/** The items of a batch, themselves unchecked: one that does not fit must not cost the others their prices. */
function itemsOf(json: unknown): { items: unknown[] } | Problem {
  const { items, ...others }: { items?: unknown } = (typeof json === "object" && json) || {};
  const isBatch = Array.isArray(items) && items.length >= 1 && items.length <= MAX_BATCH_ITEMS;
  if (isBatch && Object.keys(others).length === 0) return { items };
  const problem = checked(batchRequestSchema, json);
  if ("type" in problem) return problem;
  throw new Error("the check of a batch and its schema disagree");
}

/** What is asked for, unless its region is outside the key's scope. */
function withinScope(asked: Asked | Problem, { principal }: Call): Asked | Problem {
  return "type" in asked ? asked : (forbiddenRegion(principal, asked.region_id) ?? asked);
}

/** A key that may can have its price decided anew; from others the header means nothing. */
function isForAnew({ request, principal }: Call): boolean {
  const mayAsk = principal?.permissions.has("prices:fresh") ?? false;
  return mayAsk && NO_CACHE.test(request.headers.get("cache-control") ?? "");
}

function timed({ now }: Call, wallNow: () => number, stage: string): Response {
  return headOf(`${stage};dur=${wallNow() - now}`);
}

const heads = new Map<string, Response>();
/** Stages times the milliseconds that they take. */
const MAX_HEADS = 200;

/**
 * Status and headers of an answer, as a response to copy them from. Made once for each `Server-Timing`: reading them from plain
 * objects would cost a tenth of a bare request, each time.
 */
function headOf(serverTiming: string): Response {
  let head = heads.get(serverTiming);
  if (head === undefined) {
    const headers = { "content-type": "application/json", "server-timing": serverTiming };
    head = new Response(null, { headers });
    if (heads.size < MAX_HEADS) heads.set(serverTiming, head);
  }
  return head;
}
