/** When a request waits: only while nothing allowed is at hand. */
import fc from "fast-check";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { keyOfRequestId } from "../../../domain/decision.ts";
import { FEATURE_TTL_MS } from "../../../domain/snapshot.ts";
import { migrate } from "./migrate.ts";
import { DEPENDENCIES, type DependencyName, type Mode, World } from "./world.ts";

const SECOND_MS = 1_000;
const REGIONS = ["nyc-161", "nyc-234"];
/** News of emergency measures is looked for so often by whoever asks; what is much older is not good enough to price by. */
const EMERGENCY_LOOK_MS = 4 * SECOND_MS;

beforeAll(migrate);

let shipped: World;
beforeEach(async () => {
  shipped = await new World().publishShipped();
});

type Step =
  | { kind: "pass"; ms: number }
  | { kind: "set"; mode: Mode; names: DependencyName[] }
  | { kind: "tick"; regionId: string }
  | { kind: "price"; regionId: string };

const someStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: someSpan() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("set" as const),
      mode: fc.constantFrom<Mode>("works", "fails", "hangs"),
      names: fc.subarray([...DEPENDENCIES], { minLength: 1 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("tick" as const),
      regionId: fc.constantFrom(...REGIONS),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("price" as const),
      regionId: fc.constantFrom(...REGIONS),
    }),
  },
);

function someSpan(): fc.Arbitrary<number> {
  return fc.oneof(
    fc.integer({ min: 0, max: 3 * SECOND_MS }),
    fc.integer({ min: 0, max: 2 * FEATURE_TTL_MS }),
  );
}

describe("a request", () => {
  it("never waits while features within their time to live are at hand, whatever is down", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(someStep, { minLength: 5, maxLength: 25 }), async (steps) => {
        const world = new World(shipped);
        world.modes.clear();
        await world.warmUp();
        /** By region, when the snapshot was made that its last answer came from. */
        const madeAt = new Map<string, number>();
        let askedAt = Number.NEGATIVE_INFINITY;
        for (const step of steps) {
          if (step.kind === "pass") world.aheadMs += step.ms;
          else if (step.kind === "set") world.set(step.mode, ...step.names);
          else if (step.kind === "tick") world.region(step.regionId).tick();
          else {
            const isQuiet = world.wallNow() - askedAt >= EMERGENCY_LOOK_MS;
            askedAt = world.wallNow();
            await expectNoNeedlessWait(world, step.regionId, { madeAt, isQuiet });
          }
        }
      }),
      { numRuns: 25 },
    );
  }, 180_000);
});

async function expectNoNeedlessWait(
  world: World,
  regionId: string,
  { madeAt, isQuiet }: { madeAt: Map<string, number>; isQuiet: boolean },
): Promise<void> {
  const ageMs = world.wallNow() - (madeAt.get(regionId) ?? Number.NEGATIVE_INFINITY);
  const startedAt = Date.now();
  const response = await world.send(
    "POST",
    "/api/v1/pricing/compute",
    { region_id: regionId, product_type: "standard_ride" },
    "admin",
  );
  const tookMs = Date.now() - startedAt;
  expect(response.status).toBe(200);
  const { request_id, source, stale } = await response.json<Record<string, string>>();
  const hasWaited = response.headers.get("server-timing") !== 'memory;desc="hit"';
  if (ageMs < FEATURE_TTL_MS) {
    expect(stale).toBe(false);
    if (!isQuiet) expect(hasWaited).toBe(false);
  }
  // A quarter of a second, and what a busy machine adds.
  expect(tookMs).toBeLessThan(3_000);
  const tick = keyOfRequestId(request_id ?? "")?.tick ?? 0;
  expect(tick === 0).toBe(source === "rules_only");
  const snapshot = world.region(regionId).snapshots[tick - 1];
  if (snapshot) madeAt.set(regionId, snapshot.madeAt);
  else madeAt.delete(regionId);
}
