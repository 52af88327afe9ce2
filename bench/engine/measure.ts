/**
 * One engine in a process of its own: what it prices each input at, and how many prices a second it makes.
 *
 *     node bench/engine/measure.ts <ours|json-rules-engine|zen-engine> <seconds>
 *
 * Prints JSON, a `Measured`.
 */
import type { BenchedEngine } from "./benched-engine.ts";
import { PRICED_INPUTS } from "./priced-inputs.ts";

export const ENGINES = ["ours", "json-rules-engine", "zen-engine"] as const;
export type EngineName = (typeof ENGINES)[number];

export interface Measured {
  /** Of each of PRICED_INPUTS, decimal. */
  prices: number[];
  /** Prices in a second of CPU, all threads of the process together: what else runs on the machine does not count. */
  pricesPerS: number;
}

/** The others answer later; so many are asked at once, which is their best. */
const AT_ONCE = 16;

async function engineOf(name: EngineName): Promise<BenchedEngine<unknown>> {
  switch (name) {
    case "ours":
      return (await import("./our-engine.ts")).createEngine() as BenchedEngine<unknown>;
    case "json-rules-engine":
      return (await import("./json-rules-engine.ts")).createEngine() as BenchedEngine<unknown>;
    case "zen-engine":
      return (await import("./zen-engine.ts")).createEngine() as BenchedEngine<unknown>;
  }
}

async function rateOf(engine: BenchedEngine<unknown>, seconds: number): Promise<number> {
  const asked = PRICED_INPUTS.map((input) => engine.prepare(input));
  const isLater = engine.price(asked[0]) instanceof Promise;
  const cpuBefore = process.cpuUsage();
  let count = 0;
  let sum = 0;
  let cpuS = 0;
  while (cpuS < seconds) {
    sum += isLater ? await sumLater(engine, asked) : sumNow(engine, asked);
    count += asked.length;
    const { user, system } = process.cpuUsage(cpuBefore);
    cpuS = (user + system) / 1_000_000;
  }
  // The sum is used, so no compiler may leave the work out.
  if (!Number.isFinite(sum)) throw new Error("an engine made a price that is no number");
  return count / cpuS;
}

function sumNow(engine: BenchedEngine<unknown>, asked: readonly unknown[]): number {
  let sum = 0;
  for (const one of asked) sum += engine.price(one) as number;
  return sum;
}

async function sumLater(
  engine: BenchedEngine<unknown>,
  asked: readonly unknown[],
): Promise<number> {
  let sum = 0;
  for (let from = 0; from < asked.length; from += AT_ONCE) {
    const prices = asked.slice(from, from + AT_ONCE).map((one) => engine.price(one));
    for (const price of await Promise.all(prices)) sum += price;
  }
  return sum;
}

if (process.argv[1] === import.meta.filename) {
  const [, , asked, seconds] = process.argv;
  const name = ENGINES.find((known) => known === asked);
  if (!name) throw new Error(`there is no engine ${asked}`);
  const engine = await engineOf(name);
  const prices = await Promise.all(
    PRICED_INPUTS.map((input) => engine.price(engine.prepare(input))),
  );
  await rateOf(engine, Number(seconds) / 4);
  const measured: Measured = { prices, pricesPerS: await rateOf(engine, Number(seconds)) };
  process.stdout.write(JSON.stringify(measured));
}
