/** `rules simulate`: a file over days that were. */
import { writeFile } from "node:fs/promises";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Region } from "../../../domain/region.ts";
import { bookOf } from "../../../domain/rule-book.ts";
import type { VersionedRules } from "../../../domain/rules.ts";
import {
  type EpochMs,
  floorTo,
  MINUTE_MS,
  plus,
  QUARTER_HOUR_MS,
  WEEK_MS,
} from "../../../domain/units.ts";
import { instantFrom, loadHistory } from "../../commands/learning-options.ts";
import { loadOnnxModel, type OnnxModel } from "../../onnx/inference.ts";
import { loadShippedFiles } from "../../publication/shipped-files.ts";
import { knownStretch, type RegionHistory } from "../../training/demand-history.ts";
import { forecastHours } from "../simulation/forecast-hours.ts";
import { RegionSeries } from "../simulation/region-series.ts";
import { simulationText } from "../simulation/report-text.ts";
import { Simulation } from "../simulation/simulate.ts";
import type { CommandPorts } from "./command-ports.ts";
import { loadNamedRules } from "./named-rules.ts";
import { addPlaceOptions, type PlaceFlags } from "./place-options.ts";
import { loadRegionsOf } from "./regions-option.ts";

interface SimulateFlags extends PlaceFlags {
  against?: string;
  from?: EpochMs;
  until?: EpochMs;
  every?: number;
  elasticity: number;
  forecast: "actual" | "model";
  fleet: number;
  mix: ReadonlyMap<string, number>;
  regions: string;
  html?: string;
}

const FORTNIGHT_MS = 2 * WEEK_MS;

export function addSimulateCommand(program: Command, { now, outputOf }: CommandPorts): void {
  const command = program
    .command("simulate")
    .description("price recorded days by a file, and compare")
    .argument("<file>", "rules: a file, a version in KV, or current")
    .option("--against <rules>", "the same; base prices when left out")
    .option("--from <time>", "RFC 3339; two weeks before the end when left out", instantFrom)
    .option("--until <time>", "RFC 3339; the end of what is recorded when left out", instantFrom)
    .option("--every <minutes>", "1 with a step limit, else 15, when left out", minutesFrom)
    .option("--elasticity <number>", "of demand to price, constant", elasticityFrom, -0.8)
    .addOption(
      new Option("--forecast <which>", "actual: what came, known ahead; model: the shipped one")
        .choices(["actual", "model"])
        .default("actual"),
    )
    .option("--fleet <count>", "drivers for each usual booking; 0: supply unknown", fleetFrom, 2)
    .option("--mix <shares>", "such as standard_ride=0.85,premium_ride=0.15", mixFrom, new Map())
    .option("--regions <file>", "the regions document", "data/nyc/regions.json")
    .option("--html <file>", "where a report with charts is written");
  addPlaceOptions(command).action(async (name: string, _: unknown, own: Command) => {
    const flags = own.optsWithGlobals<SimulateFlags>();
    const output = outputOf(flags);
    const after = await loadNamedRules(name, flags);
    const before = flags.against ? await loadNamedRules(flags.against, flags) : null;
    const regions = await loadRegionsOf(flags.regions);
    const history = await loadHistory(flags, output);
    const stretch = stretchFrom(flags, knownStretch(history));
    const everyMs = (flags.every ?? defaultEvery(regions, [before, after])) * MINUTE_MS;
    const model = flags.forecast === "model" ? await shippedModel() : null;
    const { elasticity, mix, fleet } = flags;
    const shareOf = (region: Region, product: string) => {
      return mix.size === 0 ? 1 / region.productTypes.length : (mix.get(product) ?? 0);
    };
    const setup = { before, after, ...stretch, everyMs, elasticity, shareOf };
    const simulation = new Simulation(setup);
    const seriesOptions = { ...stretch, fleetPerUsualBooking: fleet === 0 ? null : fleet };
    const byId = new Map(history.regions.map((region) => [region.regionId, region]));
    const progress = output.progress("regions", regions.length);
    const beganAt = now();
    for (const [i, region] of regions.entries()) {
      const past = byId.get(region.regionId);
      if (past) {
        const expected = model && (await expectedBy(model, past, stretch));
        simulation.addRegion(region, new RegionSeries(past, seriesOptions, expected));
      }
      progress.update(i + 1);
    }
    progress.stop();
    await model?.release();
    const seconds = Math.max(0.001, (now() - beganAt) / 1_000);
    const report = simulation.report(seconds, assumptionsOf(flags, everyMs));
    if (flags.html !== undefined) {
      // Charts take a while to load, and most runs want none.
      const { simulationHtml } = await import("../simulation/report-html.ts");
      await writeFile(flags.html, await simulationHtml(report));
      output.line(`The report is in ${flags.html}.`);
    }
    output.result(report, simulationText(report));
  });
}

function stretchFrom(
  { from, until }: SimulateFlags,
  known: { startAt: EpochMs; endAt: EpochMs },
): { fromAt: EpochMs; untilAt: EpochMs } {
  const untilAt = floorTo(until ?? known.endAt, QUARTER_HOUR_MS);
  const fromAt = floorTo(from ?? plus(untilAt, -FORTNIGHT_MS), QUARTER_HOUR_MS);
  const text = (at: EpochMs) => new Date(at).toISOString();
  if (fromAt < untilAt && fromAt >= known.startAt && untilAt <= known.endAt) {
    return { fromAt, untilAt };
  }
  throw new Error(
    `${text(fromAt)} to ${text(untilAt)} is not within what is recorded, ${text(known.startAt)} to ${text(known.endAt)}.`,
  );
}

/** A step limit is a matter of minutes; everything else can be seen by the quarter hour. */
function defaultEvery(regions: readonly Region[], sides: readonly (VersionedRules | null)[]) {
  const isLimited = sides.some((rules) =>
    regions.some(({ regionId, productTypes }) =>
      productTypes.some((product) => {
        const timeline = rules && bookOf(rules.document).timelineOf(regionId, product);
        return timeline?.periods.some(({ plan }) => !Array.isArray(plan) && plan.maxStepMinor);
      }),
    ),
  );
  return isLimited ? 1 : 15;
}

async function shippedModel(): Promise<OnnxModel> {
  const { model } = await loadShippedFiles();
  return loadOnnxModel(model.value.onnx);
}

async function expectedBy(
  model: OnnxModel,
  past: RegionHistory,
  { fromAt, untilAt }: { fromAt: EpochMs; untilAt: EpochMs },
) {
  const quarters = (untilAt - fromAt) / QUARTER_HOUR_MS + 1;
  const hours = await forecastHours(model, past, fromAt, quarters);
  return (quarter: number) => hours[quarter] ?? Number.NaN;
}

function assumptionsOf({ forecast, fleet, mix }: SimulateFlags, everyMs: number): string[] {
  const shares = [...mix].map(([product, share]) => `${product} ${share}`).join(", ");
  return [
    "Bookings per quarter hour and the weather are as recorded; between quarter hours bookings are spread evenly.",
    forecast === "model"
      ? "Demand scores come from the shipped model, run on the features of each quarter hour."
      : "Demand scores come from what was booked in the hour that followed, as a forecast that is always right would say.",
    fleet === 0
      ? "Supply is not known: its factor adds nothing."
      : `Supply is assumed: ${fleet} drivers for each booking that is usual in a quarter hour, less those that the last quarter hour's bookings keep busy.`,
    "Searches, traffic, local events, holidays and stock were not recorded: factors over them add nothing.",
    mix.size === 0
      ? "Each product of a region has the same share of its bookings."
      : `Shares of the bookings: ${shares}.`,
    `A price is decided every ${everyMs / MINUTE_MS} min, and no emergency measure holds.`,
  ];
}

function minutesFrom(text: string): number {
  const minutes = Number(text);
  if (Number.isInteger(minutes) && minutes >= 1 && 60 % minutes === 0) return minutes;
  throw new InvalidArgumentError("Not a number of minutes that an hour is made of, such as 5.");
}

function elasticityFrom(text: string): number {
  const elasticity = Number(text);
  if (text !== "" && elasticity >= -10 && elasticity <= 10) return elasticity;
  throw new InvalidArgumentError("Not a number from -10 to 10.");
}

function fleetFrom(text: string): number {
  const fleet = Number(text);
  if (text !== "" && fleet >= 0 && fleet <= 1_000) return fleet;
  throw new InvalidArgumentError("Not a number from 0 to 1000.");
}

function mixFrom(text: string): ReadonlyMap<string, number> {
  return new Map(
    text.split(",").map((part) => {
      const [, product, share] = /^([a-z0-9_]+)=(0?\.\d+|[01])$/.exec(part.trim()) ?? [];
      if (product !== undefined && share !== undefined) return [product, Number(share)];
      throw new InvalidArgumentError("Not shares such as standard_ride=0.85,premium_ride=0.15.");
    }),
  );
}
