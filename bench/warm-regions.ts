import type { Stack } from "../test/support/stack.ts";

/** Asks for a price of each region, so that all of them are in the isolate's memory before anything is measured. */
export async function warmRegions(stack: Stack, regions: readonly string[]): Promise<void> {
  for (const region_id of regions) {
    const response = await fetch(`${stack.pricingUrl}/api/v1/pricing/compute`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        authorization: `Bearer ${stack.keys.admin}`,
      },
      body: JSON.stringify({ region_id, product_type: "standard_ride" }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${region_id}: ${response.status} ${text}`);
  }
}
