/** From the start of the whole stack to its first price. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startStack } from "../test/support/stack.ts";
import { benchColdStart, type ColdStart } from "./cold-start.ts";
import { publishedRegions } from "./published-regions.ts";
import type { SuiteOptions, SuiteResult } from "./suite.ts";
import { median, tableText } from "./table.ts";

const STARTS = 3;

export async function startSuite({ smoke, port }: SuiteOptions): Promise<SuiteResult> {
  const dataDir = await mkdtemp(join(tmpdir(), "bench-"));
  try {
    const stack = await startStack({ port, dataDir, demo: "none" });
    const [region = ""] = await publishedRegions(stack);
    await stack.stop();
    const starts: ColdStart[] = [];
    for (let i = 0; i < (smoke ? 1 : STARTS); i++) {
      starts.push(await benchColdStart(port, dataDir, stack.keys.admin, region));
    }
    const ms = (pick: (start: ColdStart) => number) => `${Math.round(median(starts.map(pick)))} ms`;
    const table = tableText([
      ["start of the whole stack", "median"],
      [`to the first price (${starts[0]?.firstSource})`, ms((start) => start.firstPriceMs)],
      ["to the first price by the model", ms((start) => start.firstModelPriceMs)],
    ]);
    return { tables: [table], figures: { starts }, failures: [] };
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}
