/** 10,000 bodies that nobody meant to send, over HTTP: no 5xx, memory flat, and what was accepted is what the windows count. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { residentMbOf } from "../../bench/servers.ts";
import type { EventsAnswer } from "../../contract/events.ts";
import { readDemand } from "../support/edge-requests.ts";
import { mutatedBodies } from "../support/mutated-bodies.ts";
import { freePortRange } from "../support/port-range.ts";
import { runtimeOf } from "../support/processes.ts";
import { type Stack, startStack } from "../support/stack.ts";

const BODIES = 10_000;
const POSTERS = 4;
const SEND_REGIONS = ["nyc-161", "nyc-234", "nyc-230"];
/** Of the second half of the run; the machine of CI is noisy, and a leak of a body's bytes each would be hundreds of megabytes. */
const MAX_GROWTH_MB = 60;

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ port: await freePortRange(), origin: true });
});
afterAll(() => stack.stop());

async function everyRegion(): Promise<string[]> {
  const response = await fetch(`${stack.pricingUrl}/api/v1/regions`, {
    headers: { authorization: `Bearer ${stack.keys.admin}` },
  });
  const { regions } = (await response.json()) as { regions: { region_id: string }[] };
  return regions.map(({ region_id }) => region_id);
}

/** Deliveries that a region has an account of: counted, late, or repeats. A changed byte can make one region another. */
async function accountedFor(regions: readonly string[]): Promise<number> {
  const demands = await Promise.all(regions.map((region) => readDemand(stack, region)));
  return demands.flatMap(({ totals }) => Object.values(totals)).reduce((sum, n) => sum + n, 0);
}

test(`${BODIES} mutated and random bodies in every format`, async () => {
  const bodies = mutatedBodies({ seed: 7, count: BODIES, regions: SEND_REGIONS, now: Date.now() });
  const runtime = runtimeOf(stack.run.pid).pid;
  const statuses = new Map<number, number>();
  const memoryMb: number[] = [];
  let accepted = 0;
  let sent = 0;
  const post = async () => {
    // The generator is shared: each body goes to whoever comes first.
    for (let next = bodies.next(); !next.done; next = bodies.next()) {
      const { headers, body } = next.value;
      const response = await fetch(`${stack.ingestUrl}/api/v1/events`, {
        method: "POST",
        headers: { ...headers, authorization: `Bearer ${stack.keys.ingest}` },
        body,
      });
      statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
      const answer = (await response.json()) as Partial<EventsAnswer>;
      accepted += answer.accepted ?? 0;
      if (++sent % 250 === 0) memoryMb.push(residentMbOf(runtime) ?? Number.NaN);
    }
  };
  await Promise.all(Array.from({ length: POSTERS }, post));

  expect([...statuses.keys()].sort()).toEqual([202, 400, 413, 415]);
  expect(accepted).toBeGreaterThan(BODIES / 5);
  const half = memoryMb.length / 2;
  const grownMb = Math.max(...memoryMb.slice(half)) - Math.max(...memoryMb.slice(0, half));
  console.log(`resident: ${memoryMb.map((mb) => Math.round(mb)).join(" ")} MB`);
  expect(grownMb).toBeLessThan(MAX_GROWTH_MB);
  const regions = await everyRegion();
  let accounted = 0;
  for (let waits = 0; waits < 30 && accounted < accepted; waits++) {
    await sleep(1_000);
    accounted = await accountedFor(regions);
  }
  expect(accounted).toBe(accepted);
});
