/** What a price request asks for. */
import { type ComputeRequest, computeRequestSchema } from "../../../contract/pricing.ts";
import type { Problem } from "../../../contract/problem.ts";
import type { Asked } from "../pipeline.ts";
import { checked } from "../read-body.ts";

/** What is asked for, and how many; a price is of one. */
export type AskedItem = Asked & Pick<ComputeRequest, "quantity">;

const FIELDS: ReadonlySet<string> = new Set(
  Object.keys({
    region_id: 0,
    product_type: 0,
    timestamp: 0,
    user_id: 0,
    quantity: 0,
    attributes: 0,
  } satisfies Record<keyof ComputeRequest, 0>),
);
/** Times that are right at a glance; the schema decides on all others. */
const PLAIN_TIME =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?Z$/;
const REGION_ID = /^[a-z0-9-]{1,64}$/;
const PRODUCT_TYPE = /^[a-z0-9_]{1,64}$/;

/**
 * The region and product asked for, or the problem with the request.
 *
 * The schema is the judge, and costs 10 us. A request of the usual shape is recognised without it; whatever this check
 * is not sure of goes to the schema, so the two never disagree.
 */
export function askedFrom(json: unknown, root = ""): AskedItem | Problem {
  if (isPlain(json)) return json;
  const result = checked(computeRequestSchema, json, root);
  return "value" in result ? result.value : result;
}

function isPlain(json: unknown): json is AskedItem {
  if (typeof json !== "object" || json === null) return false;
  for (const field in json) if (!FIELDS.has(field)) return false;
  const { region_id, product_type, timestamp, user_id, quantity, attributes } = json as Record<
    string,
    unknown
  >;
  return (
    attributes === undefined &&
    typeof region_id === "string" &&
    REGION_ID.test(region_id) &&
    typeof product_type === "string" &&
    PRODUCT_TYPE.test(product_type) &&
    (timestamp === undefined || (typeof timestamp === "string" && PLAIN_TIME.test(timestamp))) &&
    (user_id === undefined ||
      (typeof user_id === "string" && user_id.length > 0 && user_id.length <= 128)) &&
    (quantity === undefined ||
      (typeof quantity === "number" &&
        Number.isInteger(quantity) &&
        quantity >= 1 &&
        quantity <= 1_000_000))
  );
}
