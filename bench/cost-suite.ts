/** What a million events cost on Cloudflare, at three rates. docs/cost.md holds a run of it. */
import { startStack } from "../test/support/stack.ts";
import { type BilledOperation, USD_PER_MILLION } from "./cloudflare-prices.ts";
import { type CostCase, type CostResult, measureCost } from "./cost.ts";
import { publishedRegions } from "./published-regions.ts";
import type { SuiteOptions, SuiteResult } from "./suite.ts";
import { tableText } from "./table.ts";

/** Bodies as clients send them: alone when little happens, together where much does. */
const FULL: readonly CostCase[] = [
  { eventsPerS: 1, eventsPerBody: 1, seconds: 120 },
  { eventsPerS: 100, eventsPerBody: 20, seconds: 60 },
  { eventsPerS: 20_000, eventsPerBody: 500, seconds: 30 },
];
const SMOKE: readonly CostCase[] = [{ eventsPerS: 1_000, eventsPerBody: 100, seconds: 2 }];
const REGIONS = 60;

const NAMES: Record<BilledOperation, string> = {
  workerRequests: "Worker requests",
  workerCpuMs: "Worker CPU, ms",
  objectRequests: "Durable Object requests",
  objectGbSeconds: "Durable Object GB-s",
  rowsWritten: "rows written",
  queueOperations: "queue operations",
  r2Writes: "R2 writes",
};

export async function costSuite({ smoke, port, say }: SuiteOptions): Promise<SuiteResult> {
  const stack = await startStack({ port, demo: "none" });
  try {
    const regions = (await publishedRegions(stack)).slice(0, REGIONS);
    const results: CostResult[] = [];
    for (const one of smoke ? SMOKE : FULL) {
      results.push(await measureCost(stack, regions, one));
      say(`${one.eventsPerS} events/s measured`);
    }
    return { tables: [costTable(results)], figures: { results }, failures: [] };
  } finally {
    await stack.stop();
  }
}

function costTable(results: readonly CostResult[]): string {
  const heading = [
    "per million events",
    "USD per million",
    ...results.flatMap(({ eventsPerS, eventsPerBody }) => [
      `${eventsPerS}/s, ${eventsPerBody} a body`,
      "USD",
    ]),
  ];
  const rows = (Object.keys(NAMES) as BilledOperation[]).map((operation) => [
    NAMES[operation],
    USD_PER_MILLION[operation].toFixed(2),
    ...results.flatMap(({ perMillionEvents, usdByOperation }) => [
      Math.round(perMillionEvents[operation]).toLocaleString("en-US"),
      usdByOperation[operation].toFixed(3),
    ]),
  ]);
  const sums = ["sum", "", ...results.flatMap((r) => ["", r.usdPerMillionEvents.toFixed(2)])];
  return tableText([heading, ...rows, sums]);
}
