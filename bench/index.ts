/**
 * `npm run bench [-- prices latency engine events start cost]`: measures the product beside a Worker that does nothing, in one run, and prints
 * ratios.
 *
 * Everything is asked on direct sockets. What is compared runs in turns in the same minute; a ratio is the median over rounds
 * of a case's rate over the bare Worker's of the same round.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Argument, Command } from "commander";
import { costSuite } from "./cost-suite.ts";
import { engineSuite } from "./engine-suite.ts";
import { eventsSuite } from "./events-suite.ts";
import { latencySuite } from "./latency-suite.ts";
import { pricesSuite } from "./prices-suite.ts";
import { startSuite } from "./start-suite.ts";
import type { Suite } from "./suite.ts";

const SUITES: Record<string, Suite> = {
  prices: pricesSuite,
  latency: latencySuite,
  engine: engineSuite,
  events: eventsSuite,
  start: startSuite,
  cost: costSuite,
};
const RESULTS = join(import.meta.dirname, "results");

const command = new Command("bench")
  .description("Benchmarks beside the bare runtime; prints tables of ratios and writes JSON.")
  .addArgument(
    new Argument("[suites...]", "what to measure; everything by default").choices(
      Object.keys(SUITES),
    ),
  )
  .option("--smoke", "a short run, for checking that the bench works", false)
  .option("--port <n>", "first of the ports to use", Number, 8890)
  .parse();
const { smoke, port } = command.opts<{ smoke: boolean; port: number }>();
const asked = command.args.length === 0 ? Object.keys(SUITES) : command.args;

const figures: Record<string, object> = {};
const failures: string[] = [];
for (const name of asked) {
  const suite = SUITES[name];
  if (!suite) throw new Error(`there is no suite ${name}`);
  const result = await suite({ smoke, port, say: (text) => console.error(`${name}: ${text}`) });
  console.log(result.tables.map((table) => `\n${table}`).join("\n"));
  figures[name] = result.figures;
  failures.push(...result.failures.map((failure) => `${name}: ${failure}`));
}
await mkdir(RESULTS, { recursive: true });
const file = join(RESULTS, `${new Date().toISOString().replaceAll(":", "-")}.json`);
await writeFile(file, JSON.stringify({ smoke, ...figures }, null, 2));
console.error(`\nwritten to ${file}`);
if (failures.length > 0) {
  console.error(`FAILED\n${failures.join("\n")}`);
  process.exitCode = 1;
}
