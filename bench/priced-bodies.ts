/** Bodies of price requests as clients send them: many users, the regions in turns, both products. */
const PRODUCTS = ["standard_ride", "premium_ride"];
const USERS = 1_024;

export function pricedBodies(regions: readonly string[]): string[] {
  return Array.from({ length: USERS }, (_, user) =>
    JSON.stringify({
      region_id: regions[user % regions.length],
      product_type: PRODUCTS[Math.floor(user / regions.length) % PRODUCTS.length],
      timestamp: `2026-11-20T14:${String(user % 60).padStart(2, "0")}:00Z`,
      user_id: `user-${user}`,
    }),
  );
}
