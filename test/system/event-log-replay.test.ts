/** What a region counted live, it counts again from the origin's event log: live -> log -> origin -> replay. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { EventInput } from "../../contract/events.ts";
import { postEvents, readDemand } from "../support/edge-requests.ts";
import { freePortRange } from "../support/port-range.ts";
import { until } from "../support/processes.ts";
import { shuffled } from "../support/shuffle.ts";
import { type Stack, startStack } from "../support/stack.ts";

const LIVE = "nyc-161";
const FRESH = "nyc-234";
const UNIQUE_EVENTS = 3_000;
const REPEATS = 300;
const TYPES = ["booking", "search", "view", "cancellation"] as const;
/** Less than the allowed lateness. */
const SPREAD_MS = 180_000;
const ROOT = join(import.meta.dirname, "../..");

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ port: await freePortRange() });
});
afterAll(() => stack.stop());

/** Events of the last three minutes, some of them twice, in no order. */
function deliveries(now: number): EventInput[] {
  const unique = Array.from({ length: UNIQUE_EVENTS }, (_, n): EventInput => {
    return {
      event_type: TYPES[n % TYPES.length] ?? "booking",
      region_id: LIVE,
      timestamp: new Date(now - ((n * 7_919) % SPREAD_MS)).toISOString(),
      idempotency_key: `replayed-${n}`,
      user_id: `u-${n % 97}`,
    };
  });
  return shuffled([...unique, ...shuffled(unique, 1).slice(0, REPEATS)], 2);
}

interface WindowReport {
  compared: number;
  differences: unknown[];
  unfolded: string[];
}

/** Runs an origin command and reads its JSON; one that ends with 1 has something to say as well. */
async function origin<Answer>(...args: string[]): Promise<Answer> {
  const command = ["origin/index.ts", "--data-dir", stack.dataDir, "--edge-url", stack.pricingUrl];
  const run = promisify(execFile)(process.execPath, [...command, "--json", ...args], { cwd: ROOT });
  const { stdout } = await run.catch((error: unknown) => {
    if (error instanceof Error && "stdout" in error && error.stdout !== "") {
      return { stdout: String(error.stdout) };
    }
    throw error;
  });
  return JSON.parse(stdout) as Answer;
}

async function metric(name: string): Promise<number> {
  const response = await fetch(`${stack.originUrl}/metrics`, {
    headers: { authorization: `Bearer ${stack.keys.admin}` },
  });
  const line = (await response.text()).split("\n").find((text) => text.startsWith(`${name} `));
  return Number(line?.split(" ").at(-1) ?? Number.NaN);
}

test("a region that is told its past again has the same totals and windows", async () => {
  const startedAt = Date.now();
  const events = deliveries(startedAt);
  for (let at = 0; at < events.length; at += 500) {
    await postEvents(stack, events.slice(at, at + 500));
  }
  await until("everything is in the origin's log", 60_000, async () => {
    return (await metric("origin_bronze_events_total")) >= events.length;
  });
  await until("signals are in the origin's log", 60_000, async () => {
    return (await metric("origin_bronze_signals_total")) > 0;
  });
  expect(await metric("origin_bronze_events_total")).toBe(events.length);
  const live = await readDemand(stack, LIVE);
  expect(live.totals).toMatchObject({ booking: UNIQUE_EVENTS / 4, duplicates: REPEATS, late: 0 });

  const range = [
    ...["--from", new Date(startedAt - 3_600_000).toISOString()],
    ...["--to", new Date(Date.now() + 60_000).toISOString()],
  ];
  interface Report {
    deliveries: number;
    parcels: number;
    repeatedParcels: number;
    totals: unknown;
    windows: WindowReport;
  }
  const replayed = await origin<Report>("replay", "--region", LIVE, "--into", FRESH, ...range);
  expect(replayed).toMatchObject({ deliveries: events.length, repeatedParcels: 0 });
  expect(replayed.totals).toEqual(live.totals);
  expect(replayed.windows.compared).toBeGreaterThan(0);
  expect(replayed.windows).toMatchObject({ differences: [], unfolded: [] });
  expect((await readDemand(stack, FRESH)).totals).toEqual(live.totals);

  // Once more changes nothing: the region has every parcel.
  const again = await origin<Report>("replay", "--region", LIVE, "--into", FRESH, ...range);
  expect(again.repeatedParcels).toBe(again.parcels);
  expect(again.totals).toEqual(live.totals);

  const verified = await origin<WindowReport>("replay", "--region", LIVE, "--verify", ...range);
  expect(verified).toMatchObject({ differences: [], unfolded: [] });
  expect(verified.compared).toBe(replayed.windows.compared);

  // Beside the service, which pulls by itself.
  expect(await origin("pull")).toMatchObject({ gaps: [], losses: [], faults: [] });

  const refused = await origin<{ fault: { detail: string } }>("replay", "--region", LIVE, ...range);
  expect(refused.fault.detail).toContain("409");
});
