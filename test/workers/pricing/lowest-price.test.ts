import { env } from "cloudflare:workers";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type ExplainAnswer, explainAnswerSchema } from "../../../contract/explain.ts";
import { type EpochMs, HOUR_MS, type MinorUnits } from "../../../domain/units.ts";
import { SHIPPED } from "../../../workers/pricing/documents.ts";
import { deliverDecisions } from "./deliver-decisions.ts";
import { EVENT_TIME } from "./fake-region.ts";
import { migrate } from "./migrate.ts";
import { World } from "./world.ts";

const SINCE = (EVENT_TIME - HOUR_MS) as EpochMs;

/** The shipped rules, with a sale of standard rides that is announced. */
function rulesWithSale(): unknown {
  const rules = structuredClone(SHIPPED.rules.json) as { rules: unknown[] };
  rules.rules.push({
    name: "sale",
    for: { products: ["standard_ride"] },
    effective: { from: new Date(SINCE).toISOString() },
    adjust: -0.2,
    announced_reduction: true,
  });
  return rules;
}

beforeAll(migrate);

let world: World;
beforeEach(async () => {
  await env.DB.exec("DELETE FROM decisions");
  world = await new World().publishShipped();
  world.region().lows = { standard_ride: 1_050 as MinorUnits, premium_ride: 1 as MinorUnits };
  await world.warmUp();
});

async function explained(requestId: string): Promise<ExplainAnswer> {
  const path = `/api/v1/pricing/explain?request_id=${encodeURIComponent(requestId)}`;
  const response = await world.fetch(path);
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  return explainAnswerSchema.parse(await response.json());
}

describe("a price that is announced as reduced", () => {
  beforeEach(async () => {
    const published = await world.send("PUT", "/admin/v1/rules", rulesWithSale(), "admin");
    if (published.status !== 200) throw new Error(await published.text());
  });

  it("tells the lowest price of the thirty days before, and the explanation says so", async () => {
    const price = await world.price();
    expect(price.disclosure.lowest_price_30d).toBe(10.5);
    const answer = await explained(price.request_id);
    expect(answer).toMatchObject({
      replayed: true,
      decision: { disclosure: { lowest_price_30d: 10.5 } },
    });
    expect(answer.steps).toContainEqual({
      name: "announced_reduction",
      value: 10.5,
      contribution: null,
      sentence:
        "The price is announced as reduced since 2014-05-19T19:00:00.000Z. The lowest of the thirty days before that was 10.50 USD.",
    });
  });

  it("replays from the log with that low, whatever was told since", async () => {
    const price = await world.price();
    await world.settle();
    await deliverDecisions(world.queue.splice(0));
    world.region().snapshots.length = 0;
    world.region().lows = {};
    world.coldIsolate();
    expect(await explained(price.request_id)).toMatchObject({
      replayed: true,
      decision: { disclosure: { lowest_price_30d: 10.5 } },
    });
  });

  it("has its region told since when", async () => {
    await world.price();
    world.region().tick();
    world.aheadMs += 1_500;
    await world.price();
    await world.settle();
    expect(world.region().announced).toEqual({ standard_ride: SINCE });
  });

  it("concerns the products that are reduced, and no others", async () => {
    const other = await world.price({ product: "premium_ride" });
    expect(other.disclosure.lowest_price_30d).toBeNull();
  });
});

describe("a price that is not announced as reduced", () => {
  it("tells no earlier one", async () => {
    const price = await world.price();
    expect(price.disclosure.lowest_price_30d).toBeNull();
    const names = (await explained(price.request_id)).steps.map(({ name }) => name);
    expect(names).not.toContain("announced_reduction");
  });
});
