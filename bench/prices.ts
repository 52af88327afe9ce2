/** What a price costs beside a server that does nothing: warm, decided anew, and 200 at a time. */

import { runtimeOf } from "../test/support/processes.ts";
import type { Stack } from "../test/support/stack.ts";
import { inTurn, type LoadResult, type LoadTarget, load } from "./load.ts";
import { pricedBodies } from "./priced-bodies.ts";
import { type BareServers, cpuMsOf } from "./servers.ts";
import { median } from "./table.ts";

export interface PriceOptions {
  rounds: number;
  seconds: number;
  connections: number;
}

export interface PriceRound extends LoadResult {
  /** CPU of the server's processes; null where it cannot be read. */
  cpuUsPerRequest: number | null;
}

export interface PriceCase {
  name: string;
  /** Prices in one answer. */
  pricesPerRequest: number;
  rounds: PriceRound[];
  /** Median over rounds of the case's request rate over the bare Worker's of the same round. */
  ratioToBare: number;
  /** Median over rounds of its CPU a request less the bare Worker's of the same round; null where it cannot be read. */
  cpuUsAboveBare: number | null;
  pricesPerS: number;
}

const PRODUCTS = ["standard_ride", "premium_ride"];
export const BATCH_ITEMS = 200;

/** Runs every case once a round, in turns, so that a noisy minute hurts all of them alike. */
export async function benchPrices(
  stack: Stack,
  bare: BareServers,
  regions: readonly string[],
  options: PriceOptions,
  onProgress: (text: string) => void,
): Promise<PriceCase[]> {
  const items = regions.flatMap((region_id) =>
    PRODUCTS.map((product_type) => ({ region_id, product_type })),
  );
  const one = pricedBodies(regions);
  const batch = JSON.stringify({
    items: Array.from({ length: BATCH_ITEMS }, (_, i) => items[i % items.length]),
  });
  const compute = "/api/v1/pricing/compute";
  // An application's key: its limit and the service's are looked at for each price. Only an administrator's may ask anew.
  const { pricing: key, admin } = stack.keys;
  const { pid } = runtimeOf(stack.run.pid);
  const ours = (path: string, bodies: readonly string[]): LoadTarget => ({
    url: stack.pricingUrl + path,
    key,
    nextBody: inTurn(bodies),
  });
  const cases: { name: string; pricesPerRequest: number; pid: number; target: LoadTarget }[] = [
    {
      name: "bare Worker, constant",
      pricesPerRequest: 1,
      pid: runtimeOf(bare.pid).pid,
      target: { url: bare.workerdUrl + compute, key, nextBody: inTurn(one) },
    },
    {
      name: "bare Hono, constant",
      pricesPerRequest: 1,
      pid: runtimeOf(bare.pid).pid,
      target: { url: bare.honoUrl + compute, key, nextBody: inTurn(one) },
    },
    { name: "compute, warm", pricesPerRequest: 1, pid, target: ours(compute, one) },
    {
      name: "compute, fresh",
      pricesPerRequest: 1,
      pid,
      target: { ...ours(compute, one), key: admin, headers: { "cache-control": "no-cache" } },
    },
    {
      name: `batch of ${BATCH_ITEMS}`,
      pricesPerRequest: BATCH_ITEMS,
      pid,
      target: ours("/api/v1/pricing/batch", [batch]),
    },
  ];

  const rounds: PriceRound[][] = cases.map(() => []);
  for (let round = 0; round < options.rounds; round++) {
    for (const [i, { name, pid, target }] of cases.entries()) {
      await load(target, { seconds: 1, connections: options.connections });
      const cpuBeforeMs = cpuMsOf(pid);
      const result = await load(target, options);
      const cpuAfterMs = cpuMsOf(pid);
      const cpuUsPerRequest =
        cpuBeforeMs === null || cpuAfterMs === null
          ? null
          : ((cpuAfterMs - cpuBeforeMs) * 1_000) / result.requests;
      rounds[i]?.push({ ...result, cpuUsPerRequest });
      onProgress(`round ${round + 1}: ${name}: ${Math.round(result.requestsPerS)} requests/s`);
    }
  }
  const bareRounds = rounds[0] ?? [];
  return cases.map(({ name, pricesPerRequest }, i) => {
    const own = rounds[i] ?? [];
    const ratios = own.map(
      (r, round) => r.requestsPerS / (bareRounds[round]?.requestsPerS ?? Number.NaN),
    );
    const aboveBare = own.flatMap(({ cpuUsPerRequest }, round) => {
      const bareUs = bareRounds[round]?.cpuUsPerRequest ?? null;
      return cpuUsPerRequest === null || bareUs === null ? [] : [cpuUsPerRequest - bareUs];
    });
    return {
      name,
      pricesPerRequest,
      rounds: own,
      ratioToBare: median(ratios),
      cpuUsAboveBare: aboveBare.length === 0 ? null : median(aboveBare),
      pricesPerS: median(own.map((r) => r.requestsPerS)) * pricesPerRequest,
    };
  });
}
