/** Prices: warm, decided anew, and 200 at a time, beside the bare Worker and bare Hono. */
import { startStack } from "../test/support/stack.ts";
import { benchPrices, type PriceCase } from "./prices.ts";
import { publishedRegions } from "./published-regions.ts";
import { startBareServers } from "./servers.ts";
import type { SuiteOptions, SuiteResult } from "./suite.ts";
import { median, tableText } from "./table.ts";
import { warmRegions } from "./warm-regions.ts";

const FULL = { rounds: 5, seconds: 6, connections: 16 };
const SMOKE = { rounds: 1, seconds: 1, connections: 8 };
const REGIONS = 60;

export async function pricesSuite({ smoke, port, say }: SuiteOptions): Promise<SuiteResult> {
  const bare = await startBareServers(port + 10);
  try {
    const stack = await startStack({ port, demo: "none" });
    try {
      const regions = (await publishedRegions(stack)).slice(0, REGIONS);
      await warmRegions(stack, regions);
      const cases = await benchPrices(stack, bare, regions, smoke ? SMOKE : FULL, say);
      const failed = cases.flatMap((c) => c.rounds).reduce((sum, round) => sum + round.failed, 0);
      return {
        tables: [priceTable(cases)],
        figures: { cases },
        failures: failed === 0 ? [] : [`${failed} requests were not answered 200`],
      };
    } finally {
      await stack.stop();
    }
  } finally {
    await bare.stop();
  }
}

function priceTable(cases: readonly PriceCase[]): string {
  const heading = [
    ...["case", "prices/s", "rate / bare", "CPU us / request", "above bare", "p50 ms", "p99 ms"],
  ];
  const rows = cases.map((c) => {
    const of = (pick: (round: PriceCase["rounds"][number]) => number) => median(c.rounds.map(pick));
    const cpu = of((round) => round.cpuUsPerRequest ?? Number.NaN);
    return [
      c.name,
      Math.round(c.pricesPerS).toString(),
      c.pricesPerRequest === 1 ? c.ratioToBare.toFixed(2) : "",
      Number.isNaN(cpu) ? "" : cpu.toFixed(1),
      c.cpuUsAboveBare === null || c.pricesPerRequest > 1 ? "" : c.cpuUsAboveBare.toFixed(1),
      of((round) => round.p50Ms).toFixed(2),
      of((round) => round.p99Ms).toFixed(1),
    ];
  });
  return tableText([heading, ...rows]);
}
