/** What a simulation found, as JSON. */
import type { TallySummary } from "./tally.ts";

/** A region and product, or an hour of it, with the change of its mean price: 0.05 is 5 % more. */
export interface MoverJson {
  region: string;
  product: string;
  /** Local; null: of all hours. */
  hour: number | null;
  moments: number;
  change: number;
}

export interface RevenueJson {
  currency: string;
  units_before: number;
  units_after: number;
  /** Decimal. */
  before: number;
  after: number;
  /** after / before - 1. */
  change: number;
}

export interface SimulationReport {
  rules: { before: string; after: string };
  from: string;
  until: string;
  every_minutes: number;
  regions: number;
  /** Prices decided, of both sides. */
  decisions: number;
  seconds: number;
  decisions_per_s: number;
  /** What the inputs are, and what was taken for granted. */
  assumptions: string[];
  elasticity: number;
  before: TallySummary;
  after: TallySummary;
  revenue: RevenueJson[];
  /** Shares of decisions, by the lower end of a bin of multipliers. */
  histogram: { multiplier: number; before: number; after: number }[];
  hours: { hour: number; before: number; after: number }[];
  days: { date: string; currency: string; before: number; after: number }[];
  movers: { places: MoverJson[]; hours: MoverJson[] };
}

/** How much more or less is sold at another price. */
export const ELASTICITY_FORMULA =
  "units after = units before * (price after / price before) ^ elasticity";
