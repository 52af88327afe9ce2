/**
 * The pure engine: prices in a second of one core, each with its full explanation, beside json-rules-engine and GoRules Zen pricing the
 * same inputs by the same rules.
 *
 * Each engine runs in processes of its own, in turns; all must agree on every price.
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { ENGINES, type EngineName, type Measured } from "./engine/measure.ts";
import { onCore } from "./pinned.ts";
import type { SuiteOptions, SuiteResult } from "./suite.ts";
import { median, tableText } from "./table.ts";

const FULL = { rounds: 5, seconds: 3 };
const SMOKE = { rounds: 1, seconds: 0.5 };
const MEASURE = join(import.meta.dirname, "engine/measure.ts");
const CORE = 1;
const run = promisify(execFile);

export async function engineSuite({ smoke, say }: SuiteOptions): Promise<SuiteResult> {
  const { rounds, seconds } = smoke ? SMOKE : FULL;
  const rates = new Map<EngineName, number[]>(ENGINES.map((engine) => [engine, []]));
  const failures = new Set<string>();
  let expected: readonly number[] | null = null;
  for (let round = 0; round < rounds; round++) {
    for (const engine of ENGINES) {
      const { prices, pricesPerS } = await measure(engine, seconds);
      expected ??= prices;
      const differing = prices.filter((price, i) => price !== expected?.[i]).length;
      if (differing > 0) failures.add(`${engine} differs on ${differing} prices`);
      rates.get(engine)?.push(pricesPerS);
      say(`round ${round + 1}: ${engine}: ${Math.round(pricesPerS)} prices/s`);
    }
  }
  const perS = (engine: EngineName) => median(rates.get(engine) ?? []);
  const others = ENGINES.filter((engine) => engine !== "ours");
  const better = Math.max(...others.map(perS));
  const rows = ENGINES.map((engine) => [
    engine,
    Math.round(perS(engine)).toLocaleString("en-US"),
    (perS(engine) / better).toFixed(engine === "ours" ? 0 : 2),
  ]);
  return {
    tables: [
      tableText([["engine", "prices / s of CPU", "times the better other"], ...rows]),
      `All of them agree on ${failures.size === 0 ? "every one" : "not all"} of ${expected?.length} prices.`,
    ],
    figures: { rates: Object.fromEntries(rates), ratioToBetter: perS("ours") / better },
    failures: [...failures],
  };
}

async function measure(engine: EngineName, seconds: number): Promise<Measured> {
  const [command = "", ...args] = onCore(CORE, [
    process.execPath,
    MEASURE,
    engine,
    String(seconds),
  ]);
  const { stdout } = await run(command, args, { maxBuffer: 1 << 24 });
  return JSON.parse(stdout);
}
