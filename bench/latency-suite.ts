/**
 * How long a price takes while there is room for more: at half of the rate that saturates the service, sent open-loop, with the
 * server and the client on cores of their own, beside the bare Worker at the same rate.
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { runtimeOf } from "../test/support/processes.ts";
import { startStack } from "../test/support/stack.ts";
import type { ClientTarget, ClientTask, LatencySummary } from "./latency/client.ts";
import { moveToCore, onCore } from "./pinned.ts";
import { publishedRegions } from "./published-regions.ts";
import { startBareServers } from "./servers.ts";
import type { SuiteOptions, SuiteResult } from "./suite.ts";
import { tableText } from "./table.ts";

const FULL = { saturationS: 8, warmUp: 25_000, requests: 220_000 };
const SMOKE = { saturationS: 1, warmUp: 500, requests: 2_000 };
const REGIONS = 8;
const SERVER_CORE = 0;
const CLIENT_CORE = 1;
const CLIENT = join(import.meta.dirname, "latency/client.ts");
const COMPUTE = "/api/v1/pricing/compute";
const run = promisify(execFile);

export async function latencySuite({ smoke, port, say }: SuiteOptions): Promise<SuiteResult> {
  const { saturationS, warmUp, requests } = smoke ? SMOKE : FULL;
  const bare = await startBareServers(port + 10);
  try {
    const stack = await startStack({ port, demo: "none" });
    try {
      for (const { pid } of [runtimeOf(stack.run.pid), runtimeOf(bare.pid)]) {
        moveToCore(pid, SERVER_CORE);
      }
      const regions = (await publishedRegions(stack)).slice(0, REGIONS);
      const { pricing: key } = stack.keys;
      const ours: ClientTarget = { url: stack.pricingUrl + COMPUTE, key, regions };
      const limit: ClientTarget = { url: bare.workerdUrl + COMPUTE, key, regions };

      await ask<number>({ saturate: { ...ours, seconds: saturationS } });
      const saturation = await ask<number>({ saturate: { ...ours, seconds: saturationS } });
      const requestsPerS = Math.floor(saturation / 2);
      say(`saturated at ${Math.round(saturation)} requests/s`);
      const rows: [string, LatencySummary][] = [];
      for (const [name, target] of [
        ["bare Worker, constant", limit],
        ["compute, warm", ours],
      ] as const) {
        const summary = await ask<LatencySummary>({
          openLoop: { ...target, requestsPerS, warmUp, requests },
        });
        say(`${name}: p99 ${summary.p99Ms.toFixed(1)} ms, max ${summary.maxMs.toFixed(1)} ms`);
        rows.push([name, summary]);
      }
      return {
        tables: [latencyTable(requestsPerS, requests, rows)],
        figures: { saturation, requestsPerS, requests, results: Object.fromEntries(rows) },
        failures: rows
          .filter(([, { failed }]) => failed > 0)
          .map(([name, { failed }]) => `${name}: ${failed} requests were not answered 200`),
      };
    } finally {
      await stack.stop();
    }
  } finally {
    await bare.stop();
  }
}

async function ask<Answer>(task: ClientTask): Promise<Answer> {
  const [command = "", ...args] = onCore(CLIENT_CORE, [
    process.execPath,
    CLIENT,
    JSON.stringify(task),
  ]);
  const { stdout } = await run(command, args);
  return JSON.parse(stdout);
}

function latencyTable(
  requestsPerS: number,
  requests: number,
  results: readonly [string, LatencySummary][],
): string {
  const heading = [
    `${requests.toLocaleString("en-US")} requests at ${requestsPerS}/s`,
    ...["p50 ms", "p99 ms", "p99.9 ms", "max ms", "sent late by, p99 ms"],
  ];
  const rows = results.map(([name, { p50Ms, p99Ms, p999Ms, maxMs, lateP99Ms }]) => [
    name,
    ...[p50Ms, p99Ms, p999Ms, maxMs, lateP99Ms].map((ms) => ms.toFixed(2)),
  ]);
  return tableText([heading, ...rows]);
}
