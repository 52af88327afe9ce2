/** Events: how many a second, from the HTTP body to the windows; how soon they are seen; how many rows they cost. */
import { startStack } from "../test/support/stack.ts";
import { benchFreshness } from "./freshness.ts";
import { benchBareParse, benchIngest, type IngestResult } from "./ingest.ts";
import { publishedRegions } from "./published-regions.ts";
import { startBareServers } from "./servers.ts";
import type { SuiteOptions, SuiteResult } from "./suite.ts";
import { median, tableText } from "./table.ts";

const FULL = {
  warmUpS: 60,
  bareS: 5,
  sustained: { seconds: 60, connections: 8, eventsPerBody: 500 },
  oneRegion: { seconds: 20, connections: 8, eventsPerBody: 500 },
  freshness: { probes: 200, backgroundEventsPerS: 5_000 },
};
const SMOKE = {
  warmUpS: 1,
  bareS: 1,
  sustained: { seconds: 4, connections: 4, eventsPerBody: 500 },
  oneRegion: { seconds: 2, connections: 4, eventsPerBody: 500 },
  freshness: { probes: 10, backgroundEventsPerS: 1_000 },
};
const REGIONS = 60;

/**
 * Keys are remembered for lateness, out-of-orderness and transit together, 30 s here, rounded up to whole minutes: after a
 * minute's warm-up memory has reached its level.
 */
const VARS = {
  "aggregator.ALLOWED_LATENESS_MS": "10000",
  "aggregator.TRANSIT_ALLOWANCE_MS": "10000",
};

export async function eventsSuite({ smoke, port, say }: SuiteOptions): Promise<SuiteResult> {
  const options = smoke ? SMOKE : FULL;
  // Without the product's V8 flags it parses faster; the limit is what the runtime can do at best.
  const bare = await startBareServers(port + 10, []);
  try {
    const stack = await startStack({ port, demo: "none", vars: VARS });
    try {
      const regions = (await publishedRegions(stack)).slice(0, REGIONS);
      const bareOptions = { ...options.sustained, seconds: options.bareS };
      const bareRate = () => benchBareParse(bare.workerdUrl, regions, bareOptions);
      await benchIngest(stack, regions, { ...options.sustained, seconds: options.warmUpS });
      await bareRate();

      const bareRates = [await bareRate()];
      const sustained = await benchIngest(stack, regions, options.sustained);
      bareRates.push(await bareRate());
      say(`${regions.length} regions: ${Math.round(sustained.eventsPerS)} events/s`);
      const oneRegion = await benchIngest(stack, regions.slice(0, 1), options.oneRegion);
      say(`one region: ${Math.round(oneRegion.eventsPerS)} events/s`);
      bareRates.push(await bareRate());
      const freshness = await benchFreshness(stack, regions, options.freshness);
      say(`freshness: p99 ${Math.round(freshness.p99Ms)} ms`);

      const bareEventsPerS = median(bareRates);
      const ingestTable = tableText([
        ["events, 500 a body", "events/s", "rate / bare", "CPU us / event", "p50 ms", "p99 ms"],
        ["bare Worker, bodies parsed", `${Math.round(bareEventsPerS)}`, "1.000", "", "", ""],
        ingestRow(
          `${regions.length} regions, ${options.sustained.seconds} s`,
          sustained,
          bareEventsPerS,
        ),
        ingestRow(`one region, ${options.oneRegion.seconds} s`, oneRegion, bareEventsPerS),
      ]);
      const claimsTable = tableText([
        ["claim", ""],
        [
          "regions whose totals are wrong",
          `${sustained.wrongTotals.length + oneRegion.wrongTotals.length}`,
        ],
        ["memory of workerd, last quarter / third", sustained.memoryGrowth.toFixed(2)],
        ["memory of workerd at the end", `${Math.round(sustained.memoryMb.at(-1) ?? 0)} MB`],
        [
          `freshness at ${freshness.backgroundEventsPerS} events/s, 202 to visible`,
          `p50 ${Math.round(freshness.p50Ms)} ms, p99 ${Math.round(freshness.p99Ms)} ms, max ${Math.round(freshness.maxMs)} ms`,
        ],
        [
          `rows written per 1,000 events at ${freshness.backgroundEventsPerS} events/s`,
          `${freshness.rowsPer1000.toFixed(1)} (outbox ${freshness.outboxRowsPer1000.toFixed(1)})`,
        ],
      ]);
      const failures = [
        ...failuresOf("sustained", sustained),
        ...failuresOf("one region", oneRegion),
      ];
      return {
        tables: [ingestTable, claimsTable],
        figures: { bareRates, sustained, oneRegion, freshness },
        failures,
      };
    } finally {
      await stack.stop();
    }
  } finally {
    await bare.stop();
  }
}

function ingestRow(name: string, result: IngestResult, bareEventsPerS: number): string[] {
  return [
    name,
    Math.round(result.eventsPerS).toString(),
    (result.eventsPerS / bareEventsPerS).toFixed(3),
    result.cpuUsPerEvent?.toFixed(1) ?? "",
    result.p50Ms.toFixed(1),
    result.p99Ms.toFixed(0),
  ];
}

function failuresOf(name: string, { failed, wrongTotals }: IngestResult): string[] {
  return [
    ...(failed > 0 ? [`${name}: ${failed} requests were not answered 202`] : []),
    ...(wrongTotals.length > 0 ? [`${name}: wrong totals in ${wrongTotals.join(" ")}`] : []),
  ];
}
