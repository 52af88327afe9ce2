/**
 * A stack with no feed, for a runner of one's own that compares price services:
 *
 *     node bench/serve-prices.ts [port]
 *
 * Prints one line of JSON once the busiest regions are priced from memory: `name`, `url`, `pid` (of the runtime, for its CPU), and `key`
 * (an administrator's: it is under no limit, and `Cache-Control: no-cache` has prices decided anew), and `limitedKey`, an
 * application's. Runs until SIGTERM or Ctrl-C.
 */
import { once } from "node:events";
import { runtimeOf } from "../test/support/processes.ts";
import { startStack } from "../test/support/stack.ts";
import { publishedRegions } from "./published-regions.ts";
import { warmRegions } from "./warm-regions.ts";

const REGIONS = 60;
const DEFAULT_PORT = 8890;

const stack = await startStack({ port: Number(process.argv[2] ?? DEFAULT_PORT), demo: "none" });
try {
  await warmRegions(stack, (await publishedRegions(stack)).slice(0, REGIONS));
  const { admin, pricing } = stack.keys;
  const { pid } = runtimeOf(stack.run.pid);
  const served = { name: "ours", url: stack.pricingUrl, pid, key: admin, limitedKey: pricing };
  console.log(JSON.stringify(served));
  // Neither signal kills while somebody waits for it; the stack is stopped, and its data dir removed.
  await Promise.race([once(process, "SIGTERM"), once(process, "SIGINT")]);
} finally {
  await stack.stop();
}
