import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { batchAnswerSchema } from "../../../contract/pricing.ts";
import { problemSchema } from "../../../contract/problem.ts";
import { quoteAnswerSchema } from "../../../contract/quotes.ts";
import { migrate } from "./migrate.ts";
import { type KeyName, SCOPE, World } from "./world.ts";

const OUTSIDE = "nyc-234";
const COMPUTE = "/api/v1/pricing/compute";
const ride = (region_id: string) => ({ region_id, product_type: "standard_ride" });

beforeAll(migrate);

let world: World;
beforeEach(async () => {
  world = await (await new World().publishShipped()).warmUp();
});

const outcomeOf = async (response: Response) =>
  response.ok ? "allowed" : problemSchema.parse(await response.json()).type.split("#")[1];

async function quoteOf(region: string): Promise<string> {
  const response = await world.send("POST", "/api/v1/quotes", ride(region), "admin");
  return quoteAnswerSchema.parse(await response.json()).quote;
}

type Ask = (regionId: string, key: KeyName) => Promise<Response>;
const NAMED: [string, Ask][] = [
  ["a price", (region, key) => world.send("POST", COMPUTE, ride(region), key)],
  ["a quote", (region, key) => world.send("POST", "/api/v1/quotes", ride(region), key)],
  [
    "to verify a quote",
    async (region, key) =>
      world.send("POST", "/api/v1/quotes/verify", { quote: await quoteOf(region) }, key),
  ],
  [
    "to redeem a quote",
    async (region, key) => {
      const body = { quote: await quoteOf(region), idempotency_key: "k" };
      return world.send("POST", "/api/v1/quotes/redeem", body, key);
    },
  ],
  [
    "a forecast",
    (region, key) => world.fetch(`/api/v1/forecast/demand?region_id=${region}&horizon=15`, { key }),
  ],
  ["live demand", (region, key) => world.fetch(`/api/v1/regions/${region}/demand`, { key })],
  [
    "an explanation",
    async (region, key) => {
      const { request_id } = await world.price({ regionId: region });
      return world.fetch(`/api/v1/pricing/explain?request_id=${request_id}`, { key });
    },
  ],
  [
    "late events",
    (region, key) => world.fetch(`/admin/v1/late-events?region_id=${region}`, { key }),
  ],
  [
    "a seed of history",
    (region, key) => {
      const seed = { start_at: "2026-01-11T10:30:00Z", counts: [1] };
      return world.send("PUT", `/admin/v1/regions/${region}/history`, seed, key);
    },
  ],
  [
    "what was replayed",
    (region, key) => world.fetch(`/admin/v1/regions/${region}/replay`, { key }),
  ],
  [
    "a replay",
    (region, key) =>
      world.fetch(`/admin/v1/regions/${region}/replay`, {
        ...{ method: "POST", key, body: new Uint8Array() },
        headers: { "content-type": "application/octet-stream" },
      }),
  ],
];

describe("a key for one region", () => {
  it.each(NAMED)("is refused %s of another, and told so", async (_, ask) => {
    expect(await outcomeOf(await ask(OUTSIDE, "scoped"))).toBe("forbidden_region");
    expect(await outcomeOf(await ask(SCOPE, "scoped"))).not.toBe("forbidden_region");
    expect(await outcomeOf(await ask(OUTSIDE, "admin"))).not.toBe("forbidden_region");
  });

  it("prices its own items of a batch, and has a problem in place of the others", async () => {
    const body = { items: [ride(SCOPE), ride(OUTSIDE), ride(SCOPE)] };
    const response = await world.send("POST", "/api/v1/pricing/batch", body, "scoped");
    const { items } = batchAnswerSchema.parse(await response.json());
    expect(items.map((item) => ("price" in item ? "price" : item.type))).toEqual([
      "price",
      "/docs/problems#forbidden_region",
      "price",
    ]);
  });

  it("learns nothing of whether another region is there", async () => {
    const [there, nowhere] = await Promise.all(
      [OUTSIDE, "atlantis"].map((region) => world.send("POST", COMPUTE, ride(region), "scoped")),
    );
    expect(there?.status).toBe(403);
    expect(nowhere?.status).toBe(403);
  });
});
