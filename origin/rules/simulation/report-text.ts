/** A simulation for people, as tables. */
import { textTable } from "../text-table.ts";
import { ELASTICITY_FORMULA, type MoverJson, type SimulationReport } from "./report.ts";
import type { TallySummary } from "./tally.ts";

const SHOWN_MOVERS = 6;

export function simulationText(report: SimulationReport): string {
  const { rules, movers } = report;
  return [
    `${rules.after} against ${rules.before}, ${report.from} to ${report.until}, every ${report.every_minutes} min, ${report.regions} regions`,
    `${counted(report.decisions)} decisions in ${report.seconds.toFixed(1)} s: ${counted(report.decisions_per_s)} decisions/s`,
    "",
    pricesTable(report),
    "",
    revenueTable(report),
    `${ELASTICITY_FORMULA}, elasticity ${report.elasticity}.`,
    "",
    "Biggest movers, mean price",
    moversTable(movers.places),
    "",
    "Biggest movers by hour",
    moversTable(movers.hours),
    "",
    ...report.assumptions.map((sentence) => `- ${sentence}`),
  ].join("\n");
}

const ROWS: readonly [name: string, of: (summary: TallySummary) => string][] = [
  ["mean multiplier", ({ mean_multiplier }) => mean_multiplier.toFixed(3)],
  ["10 % are below", ({ p10 }) => p10.toFixed(2)],
  ["median", ({ p50 }) => p50.toFixed(2)],
  ["10 % are above", ({ p90 }) => p90.toFixed(2)],
  ["1 % are above", ({ p99 }) => p99.toFixed(2)],
  ["capped by bounds", ({ share_capped }) => shareText(share_capped)],
  ["lifted by bounds", ({ share_floored }) => shareText(share_floored)],
  ["held back by the step limit", ({ share_step_limited }) => shareText(share_step_limited)],
  ["held by hysteresis", ({ share_held }) => shareText(share_held)],
];

/** Rows of the table of prices: name, before, after. */
export function priceRows({ before, after }: SimulationReport): [string, string, string][] {
  return ROWS.map(([name, of]) => [name, of(before), of(after)]);
}

function pricesTable(report: SimulationReport): string {
  return textTable(["prices", "before", "after"], priceRows(report));
}

export const REVENUE_HEAD = ["revenue", "units", "units after", "before", "after", "change"];

export function revenueRows({ revenue }: SimulationReport): string[][] {
  return revenue.map((sums) => [
    sums.currency,
    counted(sums.units_before),
    counted(sums.units_after),
    counted(sums.before),
    counted(sums.after),
    changeText(sums.change),
  ]);
}

function revenueTable(report: SimulationReport): string {
  return textTable(REVENUE_HEAD, revenueRows(report));
}

export const MOVERS_HEAD = ["region", "product", "hour", "mean price"];

export function moverRows(movers: readonly MoverJson[]): string[][] {
  return movers.map(({ region, product, hour, change }) => [
    region,
    product,
    hour === null ? "all" : `${String(hour).padStart(2, "0")}:00`,
    changeText(change),
  ]);
}

function moversTable(movers: readonly MoverJson[]): string {
  return movers.length === 0
    ? "  none"
    : textTable(MOVERS_HEAD, moverRows(movers.slice(0, SHOWN_MOVERS)), 3);
}

export function counted(number: number): string {
  return number.toLocaleString("en-US", { maximumFractionDigits: 0 });
}

function shareText(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

export function changeText(share: number): string {
  return `${share > 0 ? "+" : ""}${(100 * share).toFixed(1)} %`;
}
