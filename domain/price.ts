/**
 * The composite price: surge = 1 + sum(weight * (factor - neutral)), then the bounds, then the rounding grid.
 *
 * Every step is a named number, and 1 + factors + adjustments is the surge multiplier again, so a price can be explained
 * to the cent. An input that is missing contributes 0 and is named in `missing`.
 */
import { type ProductRules, priceRangeOf, type RuleSet } from "./rules.ts";
import type { MinorUnits } from "./units.ts";

export const FACTORS = ["demand", "supply", "time_of_day", "weather", "events"] as const;
export type Factor = (typeof FACTORS)[number];

export interface PriceInputs {
  /** 0 to 1, 0.5 is ordinary; null without a forecast. */
  demandScore: number | null;
  /** Drivers free to be booked; null when unknown. */
  availableSupply: number | null;
  /** Bookings of the last 15 minutes. */
  recentDemand: number;
  /** 0 to 23; null when the time is not to count. */
  localHour: number | null;
  /** 0 to 1; null when unknown. */
  weatherSeverity: number | null;
  /** 0 to 1; null when unknown. */
  eventScore: number | null;
}

export interface Price {
  /** ISO 4217. */
  currency: string;
  priceMinor: MinorUnits;
  baseMinor: MinorUnits;
  /** priceMinor / baseMinor. */
  surgeMultiplier: number;
  /** What each factor adds to the multiplier: weight * (value - neutral). */
  factors: Record<Factor, number>;
  /** The value of each factor before weighting; null where its input was missing. */
  values: Record<Factor, number | null>;
  /** What the bounds and then the grid add to the multiplier. */
  adjustments: { constraint: number; rounding: number };
  missing: Factor[];
}

/** The price of one unit. `product` must be of `ruleSet`, and the rule set valid (`faultsOf`). */
export function priceFrom(ruleSet: RuleSet, product: ProductRules, inputs: PriceInputs): Price {
  const values = factorValues(ruleSet, inputs);
  const factors = {
    demand: contribution(ruleSet.demand, values.demand),
    supply: contribution(ruleSet.supply, values.supply),
    time_of_day: contribution(ruleSet.timeOfDay, values.time_of_day),
    weather: contribution(ruleSet.weather, values.weather),
    events: contribution(ruleSet.events, values.events),
  };
  const raw =
    1 + factors.demand + factors.supply + factors.time_of_day + factors.weather + factors.events;

  const { baseMinor } = product;
  const grid = ruleSet.roundingMinor;
  const { low, high } = priceRangeOf(ruleSet, product);
  const clipped = clip(raw, ruleSet, product);
  const nearest = Math.round((clipped * baseMinor) / grid) * grid;
  const priceMinor = Math.min(high, Math.max(low, nearest)) as MinorUnits;
  const surgeMultiplier = priceMinor / baseMinor;
  return {
    currency: ruleSet.currency,
    priceMinor,
    baseMinor,
    surgeMultiplier,
    factors,
    values,
    adjustments: { constraint: clipped - raw, rounding: surgeMultiplier - clipped },
    missing: FACTORS.filter((factor) => values[factor] === null),
  };
}

function clip(raw: number, ruleSet: RuleSet, product: ProductRules): number {
  const floor = Math.max(ruleSet.minMultiplier, (product.floorMinor ?? 0) / product.baseMinor);
  const ceiling = Math.min(
    ruleSet.maxMultiplier,
    (product.ceilingMinor ?? Number.POSITIVE_INFINITY) / product.baseMinor,
  );
  return Math.min(ceiling, Math.max(floor, raw));
}

function contribution(rule: { weight: number; neutral: number }, value: number | null): number {
  return value === null ? 0 : rule.weight * (value - rule.neutral);
}

function factorValues(ruleSet: RuleSet, inputs: PriceInputs): Record<Factor, number | null> {
  const { demandScore, availableSupply, recentDemand, localHour } = inputs;
  const { weatherSeverity, eventScore } = inputs;
  const { steepness, threshold } = ruleSet.demand;
  return {
    demand: demandScore === null ? null : sigmoid(steepness * (demandScore - threshold)),
    supply: availableSupply === null ? null : scarcity(availableSupply, recentDemand),
    time_of_day:
      localHour === null ? null : (ruleSet.timeOfDay.multiplierByHour[localHour] ?? null),
    weather: weatherSeverity === null ? null : 1 + 0.5 * weatherSeverity,
    events: eventScore === null ? null : 1 + 0.5 * eventScore,
  };
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** 1 / (1 + available / demand): 0.5 when there is a driver for each booking, 1 when there is none left. */
function scarcity(availableSupply: number, recentDemand: number): number {
  return 1 / (1 + availableSupply / Math.max(1, recentDemand));
}
