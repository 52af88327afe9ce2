/** The command line of the local stack. */
import { resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";

export const DEMOS = ["nyc", "synthetic", "none"] as const;
/** `nyc` plays May 2014 on a virtual clock; `synthetic` makes load on the wall clock; `none` leaves events to you. */
export type Demo = (typeof DEMOS)[number];

export interface StartOptions {
  /** Pricing; the other services follow it. */
  port: number;
  /** Absolute. */
  dataDir: string;
  demo: Demo;
  /** Event seconds per wall second of the demo's clock. */
  speed: number;
  /** Mean events a second of the synthetic demo. */
  rate: number;
  /** False: run on what was published before. */
  origin: boolean;
  /** Crashes within a minute that stop everything. */
  maxCrashes: number;
  /** Variables of the Workers in place of those in their wrangler.toml. */
  vars: WorkerVars;
}

const WORKERS = ["pricing", "ingest", "aggregator"] as const;
/** Variables by name, by Worker. */
export type WorkerVars = Record<(typeof WORKERS)[number], Record<string, string>>;

const SERVICES = ["pricing", "ingest", "aggregator", "origin"] as const;
export type Service = (typeof SERVICES)[number];

/** Which port each service listens on. */
export function portsFrom(port: number): Record<Service, number> {
  return { pricing: port, ingest: port + 1, aggregator: port + 2, origin: port + 3 };
}

/** Reads the arguments after the script's name. Prints help or what is wrong, and ends the process, where they say so. */
export function parseOptions(args: readonly string[]): StartOptions {
  const command = new Command("npm start --")
    .description("Runs everything on this machine: three Workers, the origin service, the demo.")
    .option("--port <number>", "pricing; ingest, aggregator and origin follow it", portFrom, 8787)
    .option("--data-dir <folder>", "where everything is kept", ".data")
    .addOption(
      new Option(
        "--demo <name>",
        "nyc: two weeks of New York, over and over; synthetic: a day's load, on the wall clock; none: your events",
      )
        .choices(DEMOS)
        .default("nyc"),
    )
    .option("--speed <factor>", "event seconds per second of the demo's clock", speedFrom, 60)
    .option("--rate <events/s>", "mean load of the synthetic demo", rateFrom, 200)
    .option("--no-origin", "run on what was published before")
    .option("--max-crashes <n>", "crashes within a minute that stop everything", countFrom, 5)
    .option(
      "--var <worker.NAME=value>",
      "a variable of a Worker in place of its wrangler.toml's; may be given again",
      addVar,
      { pricing: {}, ingest: {}, aggregator: {} },
    )
    .allowExcessArguments(false)
    .showHelpAfterError("(--help lists the options)")
    .parse(args, { from: "user" });
  const { var: vars, ...options } = command.opts<
    Omit<StartOptions, "vars"> & { var: WorkerVars }
  >();
  return { ...options, vars, dataDir: resolve(options.dataDir) };
}

function portFrom(text: string): number {
  const port = Number(text);
  const highest = 65_535 - (SERVICES.length - 1);
  if (Number.isInteger(port) && port >= 1 && port <= highest) return port;
  throw new InvalidArgumentError(`A port lies between 1 and ${highest}.`);
}

function speedFrom(text: string): number {
  const speed = Number(text);
  if (Number.isFinite(speed) && speed >= 0.1 && speed <= 3_600) return speed;
  throw new InvalidArgumentError("A speed lies between 0.1 and 3600.");
}

function countFrom(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= 1_000) return count;
  throw new InvalidArgumentError("A count lies between 1 and 1000.");
}

function rateFrom(text: string): number {
  const rate = Number(text);
  if (Number.isFinite(rate) && rate >= 0.1 && rate <= 2_000) return rate;
  throw new InvalidArgumentError("A rate lies between 0.1 and 2000; npm run load makes more.");
}

function addVar(text: string, vars: WorkerVars): WorkerVars {
  const [, name, variable, value] = /^(\w+)\.([A-Z][A-Z0-9_]*)=(.*)$/s.exec(text) ?? [];
  const worker = WORKERS.find((known) => known === name);
  if (worker === undefined || variable === undefined || value === undefined) {
    throw new InvalidArgumentError(
      `Give it as <worker>.<NAME>=<value>; Workers: ${WORKERS.join(", ")}.`,
    );
  }
  return { ...vars, [worker]: { ...vars[worker], [variable]: value } };
}
