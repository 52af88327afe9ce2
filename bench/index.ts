/**
 * `npm run bench`: measures the product beside a Worker that does nothing, in one run, and prints ratios.
 *
 * Everything is asked on direct sockets. Cases run in turns; a ratio is the median over rounds of a case's rate over the
 * bare Worker's of the same round.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { startStack } from "../test/support/stack.ts";
import { benchColdStart, type ColdStart } from "./cold-start.ts";
import { benchFreshness } from "./freshness.ts";
import { benchIngest } from "./ingest.ts";
import { benchPrices, type PriceCase } from "./prices.ts";
import { startBareServers } from "./servers.ts";
import { median, tableText } from "./table.ts";

const FULL = {
  prices: { rounds: 5, seconds: 6, connections: 16 },
  ingest: { seconds: 20, connections: 8, eventsPerBody: 500 },
  freshness: { probes: 200, backgroundEventsPerS: 5_000 },
  coldStarts: 3,
};
/** Small enough for every commit: shows that the bench runs, not what the product can do. */
const SMOKE = {
  prices: { rounds: 1, seconds: 1, connections: 8 },
  ingest: { seconds: 2, connections: 4, eventsPerBody: 500 },
  freshness: { probes: 10, backgroundEventsPerS: 1_000 },
  coldStarts: 1,
};
const REGIONS = 60;
const RESULTS = join(import.meta.dirname, "results");

const { smoke, port } = new Command("bench")
  .description("Benchmarks beside the bare runtime; prints a table of ratios and writes JSON.")
  .option("--smoke", "a short run, for checking that the bench works", false)
  .option("--port <n>", "first of the ports to use", Number, 8890)
  .parse()
  .opts<{ smoke: boolean; port: number }>();
const options = smoke ? SMOKE : FULL;
const say = (text: string) => console.error(text);

const dataDir = await mkdtemp(join(tmpdir(), "bench-"));
const bare = await startBareServers(port + 10);
const stack = await startStack({ port, dataDir, demo: "none" });
let stopped = false;
const stopStack = async () => {
  if (!stopped) await stack.stop();
  stopped = true;
};
try {
  const regions = await regionIds();
  await warmUp(regions);
  const prices = await benchPrices(stack, bare, regions, options.prices, say);
  const ingest = await benchIngest(stack, regions, options.ingest);
  say(`ingest: ${Math.round(ingest.eventsPerS)} events/s`);
  const freshness = await benchFreshness(stack, regions, options.freshness);
  say(`freshness: p99 ${Math.round(freshness.p99Ms)} ms`);
  await stopStack();
  const coldStarts: ColdStart[] = [];
  for (let i = 0; i < options.coldStarts; i++) {
    coldStarts.push(await benchColdStart(port, dataDir, stack.keys.admin, regions[0] ?? ""));
  }

  console.log(priceTable(prices));
  console.log(`
| other claims | |
|:--|--:|
| events ingested to windows, 500 a body, 10 % repeats | ${Math.round(ingest.eventsPerS)} events/s |
| regions with a wrong total afterwards | ${ingest.wrongTotals.length} of ${regions.length} |
| freshness at ${freshness.backgroundEventsPerS} events/s, 202 to visible | p50 ${Math.round(freshness.p50Ms)} ms, p99 ${Math.round(freshness.p99Ms)} ms, max ${Math.round(freshness.maxMs)} ms |
| start of the whole stack to first price | ${Math.round(median(coldStarts.map((c) => c.firstPriceMs)))} ms (${coldStarts[0]?.firstSource}) |
| start of the whole stack to first price by the model | ${Math.round(median(coldStarts.map((c) => c.firstModelPriceMs)))} ms |`);
  await mkdir(RESULTS, { recursive: true });
  const file = join(RESULTS, `${new Date().toISOString().replaceAll(":", "-")}.json`);
  await writeFile(
    file,
    JSON.stringify({ options, prices, ingest, freshness, coldStarts }, null, 2),
  );
  say(`\nwritten to ${file}`);
  const failed = prices.flatMap((c) => c.rounds).reduce((sum, round) => sum + round.failed, 0);
  if (failed > 0 || ingest.wrongTotals.length > 0) {
    say(`FAILED: ${failed} requests not answered 200, wrong totals: ${ingest.wrongTotals}`);
    process.exitCode = 1;
  }
} finally {
  await stopStack();
  await bare.stop();
  await rm(dataDir, { recursive: true, force: true });
}

async function regionIds(): Promise<string[]> {
  const response = await fetch(`${stack.pricingUrl}/api/v1/regions`, {
    headers: { authorization: `Bearer ${stack.keys.pricing}` },
  });
  const { regions } = (await response.json()) as { regions: { region_id: string }[] };
  return regions.slice(0, REGIONS).map((region) => region.region_id);
}

/** Every region's features are in the isolate's memory before anything is measured. */
async function warmUp(regions: readonly string[]): Promise<void> {
  for (const region_id of regions) {
    const response = await fetch(`${stack.pricingUrl}/api/v1/pricing/compute`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${stack.keys.admin}` },
      body: JSON.stringify({ region_id, product_type: "standard_ride" }),
    });
    if (!response.ok) throw new Error(`${region_id}: ${response.status} ${await response.text()}`);
  }
}

function priceTable(cases: readonly PriceCase[]): string {
  const heading = ["case", "prices/s", "rate / bare", "CPU us / request", "p50 ms", "p99 ms"];
  const rows = cases.map((c) => {
    const of = (pick: (round: PriceCase["rounds"][number]) => number) => median(c.rounds.map(pick));
    const cpu = of((round) => round.cpuUsPerRequest ?? Number.NaN);
    return [
      c.name,
      Math.round(c.pricesPerS).toString(),
      c.pricesPerRequest === 1 ? c.ratioToBare.toFixed(2) : "",
      Number.isNaN(cpu) ? "" : cpu.toFixed(1),
      of((round) => round.p50Ms).toFixed(2),
      of((round) => round.p99Ms).toFixed(1),
    ];
  });
  return tableText([heading, ...rows]);
}
