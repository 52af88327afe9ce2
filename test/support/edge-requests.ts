/** The requests that system tests make again and again. Each throws on an answer it did not expect. */
import type { EventInput } from "../../contract/events.ts";
import type { PriceAnswer } from "../../contract/pricing.ts";
import type { DemandAnswer } from "../../contract/regions.ts";
import type { Stack } from "./stack.ts";

async function jsonOf(response: Response, what: string): Promise<unknown> {
  const text = await response.text();
  if (!response.ok) throw new Error(`${what} answered ${response.status}: ${text}`);
  return JSON.parse(text);
}

export async function readDemand(stack: Stack, regionId: string): Promise<DemandAnswer> {
  const response = await fetch(`${stack.pricingUrl}/api/v1/regions/${regionId}/demand`, {
    headers: { authorization: `Bearer ${stack.keys.admin}` },
  });
  return (await jsonOf(response, `demand of ${regionId}`)) as DemandAnswer;
}

/** The price now; with `fresh` decided anew, not from a cache. */
export async function readPrice(
  stack: Stack,
  regionId: string,
  { productType = "standard_ride", fresh = false } = {},
): Promise<PriceAnswer> {
  const response = await fetch(`${stack.pricingUrl}/api/v1/pricing/compute`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${stack.keys.admin}`,
      "content-type": "application/json",
      ...(fresh ? { "cache-control": "no-cache" } : {}),
    },
    body: JSON.stringify({ region_id: regionId, product_type: productType }),
  });
  return (await jsonOf(response, `price in ${regionId}`)) as PriceAnswer;
}

/** Posts events once. Throws unless all of them were accepted. */
export async function postEvents(stack: Stack, events: readonly EventInput[]): Promise<void> {
  const response = await fetch(`${stack.ingestUrl}/api/v1/events`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${stack.keys.ingest}`,
      "content-type": "application/json",
    },
    body: JSON.stringify({ events }),
  });
  const answer = (await jsonOf(response, "events")) as { accepted: number };
  if (response.status !== 202 || answer.accepted !== events.length) {
    throw new Error(`${answer.accepted} of ${events.length} events accepted`);
  }
}
