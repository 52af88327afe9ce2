import type { Stack } from "../test/support/stack.ts";

/** Ids of all regions, as published. */
export async function publishedRegions(stack: Stack): Promise<string[]> {
  const response = await fetch(`${stack.pricingUrl}/api/v1/regions`, {
    headers: { authorization: `Bearer ${stack.keys.pricing}` },
  });
  if (!response.ok) throw new Error(`regions answered ${response.status}`);
  const { regions } = (await response.json()) as { regions: { region_id: string }[] };
  return regions.map((region) => region.region_id);
}
