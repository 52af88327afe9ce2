/**
 * The composite price.
 *
 *     surge = 1 + sum(weight * (factor - neutral)) -> bounds -> emergency -> limits in time -> rounding grid
 *
 * Every step is a named number, and 1 + factors + adjustments is the surge multiplier again, so a price can be explained to the
 * cent. An input that is missing contributes 0 and is named in `missing`. Factors of what a request says of itself come after the
 * limits in time: those hold the market's part, which is the same for everybody.
 */
import { valueOn } from "./curve.ts";
import type { MeasuresInForce } from "./emergency.ts";
import type { PriceInputs } from "./price-inputs.ts";
import type { PricePlan } from "./price-plan.ts";
import { spanOfMinute, type ToldPrice } from "./told-prices.ts";
import type { EpochMs, MinorUnits } from "./units.ts";

/** Those that every price has; rules may add more by name. */
export const FACTORS = ["demand", "supply", "time_of_day", "weather", "events"] as const;
export type Factor = (typeof FACTORS)[number];
/** What layers add to the multiplier as it stands. */
export const ADJUSTMENT_FACTOR = "adjustment";

/** What is done to the sum of the factors, in this order. */
export const ADJUSTMENTS = [
  "constraint",
  "emergency_cap",
  "freeze",
  "hysteresis",
  "step_limit",
  "rounding",
] as const;
export type Adjustment = (typeof ADJUSTMENTS)[number];

/** By name: the five of FACTORS, and what the rules have beside them. */
export type ByFactor<Value> = Record<Factor, Value> & Record<string, Value>;

export interface Price {
  /** ISO 4217. */
  currency: string;
  priceMinor: MinorUnits;
  baseMinor: MinorUnits;
  /** priceMinor / baseMinor. */
  surgeMultiplier: number;
  /** What each factor adds to the multiplier: weight * (value - neutral). */
  factors: ByFactor<number>;
  /** The value of each factor before weighting; null where its input was missing. */
  values: ByFactor<number | null>;
  /** What each adds to the multiplier. */
  adjustments: Record<Adjustment, number>;
  missing: string[];
  /** The part of the price that is the same for everybody, on the grid: what limits in time go by. */
  marketMinor: MinorUnits;
}

/** What a price is held against, beside its plan. */
export interface PriceLimits {
  /** Prices told of the slot before, the oldest first. */
  told: readonly ToldPrice[];
  /** Event time of the decision; null where none is known, and then nothing holds in time. */
  asOf: EpochMs | null;
  measures: MeasuresInForce | null;
}

export const NO_LIMITS: PriceLimits = { told: [], asOf: null, measures: null };

/** The price of one unit. */
export function priceFrom(plan: PricePlan, inputs: PriceInputs, limits = NO_LIMITS): Price {
  const { baseMinor } = plan;
  const values = standardValues(plan, inputs);
  const factors: ByFactor<number> = {
    demand: contribution(plan.demand, values.demand),
    supply: contribution(plan.supply, values.supply),
    time_of_day: contribution(plan.timeOfDay, values.time_of_day),
    weather: contribution(plan.weather, values.weather),
    events: contribution(plan.events, values.events),
  };
  let raw =
    1 + factors.demand + factors.supply + factors.time_of_day + factors.weather + factors.events;
  for (const curve of plan.curves) {
    const input = curve.read(inputs);
    const value = input === null ? null : valueOn(curve, input);
    values[curve.name] = value;
    raw += factors[curve.name] = contribution(curve, value);
  }
  if (plan.adjust !== 0) {
    values[ADJUSTMENT_FACTOR] = plan.adjust;
    raw += factors[ADJUSTMENT_FACTOR] = plan.adjust;
  }

  const market = marketPrice(plan, raw, limits);
  const { adjustments } = market;
  let { priceMinor } = market;
  if (plan.attributes.length > 0) {
    let own = 0;
    for (const curve of plan.attributes) {
      const value = valueOn(curve, inputs.attributes?.[curve.attribute] ?? curve.fallback);
      values[curve.name] = value;
      own += factors[curve.name] = contribution(curve, value);
    }
    priceMinor = withOwnPart(plan, limits, adjustments, priceMinor, own);
  }
  return {
    currency: plan.currency,
    priceMinor: priceMinor as MinorUnits,
    baseMinor,
    surgeMultiplier: priceMinor / baseMinor,
    factors,
    values,
    adjustments,
    missing: missingOf(values),
    marketMinor: market.priceMinor as MinorUnits,
  };
}

/** The bounds of a price, emergency caps among them: multipliers, and the grid between them. */
interface Range {
  lowMultiplier: number;
  highMultiplier: number;
  lowMinor: number;
  highMinor: number;
}

function marketPrice(plan: PricePlan, raw: number, { told, asOf, measures }: PriceLimits) {
  const { baseMinor, gridMinor } = plan;
  const bounded = clip(raw, plan.lowMultiplier, plan.highMultiplier);
  const range = measures === null ? plan : cappedRange(plan, measures);
  const capped = clip(bounded, range.lowMultiplier, range.highMultiplier);
  const adjustments: Record<Adjustment, number> = {
    constraint: bounded - raw,
    emergency_cap: capped - bounded,
    freeze: 0,
    hysteresis: 0,
    step_limit: 0,
    rounding: 0,
  };
  const last = told.at(-1)?.priceMinor;
  if (measures !== null && measures.freeze !== null) {
    const held = measures.freeze === "base" ? baseMinor : (last ?? baseMinor);
    const priceMinor = clip(held, range.lowMinor, range.highMinor);
    adjustments.freeze = priceMinor / baseMinor - capped;
    return { priceMinor, adjustments };
  }

  let target = capped;
  // A price that the bounds no longer allow holds nothing back.
  const canStay = last !== undefined && last >= range.lowMinor && last <= range.highMinor;
  if (canStay && Math.abs(target * baseMinor - last) < plan.hysteresisMinor) {
    target = last / baseMinor;
    adjustments.hysteresis = target - capped;
  }
  let { lowMinor, highMinor } = range;
  if (canStay && plan.maxStepMinor !== null && asOf !== null) {
    const span = spanOfMinute(told, asOf);
    const least = (span?.highest ?? last) - plan.maxStepMinor;
    const most = (span?.lowest ?? last) + plan.maxStepMinor;
    const limited = clip(
      clip(target, least / baseMinor, most / baseMinor),
      range.lowMultiplier,
      range.highMultiplier,
    );
    adjustments.step_limit = limited - target;
    target = limited;
    lowMinor = Math.max(lowMinor, Math.ceil(least / gridMinor - 1e-9) * gridMinor);
    highMinor = Math.min(highMinor, Math.floor(most / gridMinor + 1e-9) * gridMinor);
    if (lowMinor > highMinor) lowMinor = highMinor = last;
  }
  const nearest = Math.round((target * baseMinor) / gridMinor) * gridMinor;
  const priceMinor = clip(nearest, lowMinor, highMinor);
  adjustments.rounding = priceMinor / baseMinor - target;
  return { priceMinor, adjustments };
}

/** The market's price with what the request itself adds, again within the bounds and on the grid. */
function withOwnPart(
  plan: PricePlan,
  { measures }: PriceLimits,
  adjustments: Record<Adjustment, number>,
  marketMinor: number,
  own: number,
): number {
  const { baseMinor, gridMinor } = plan;
  const range = measures === null ? plan : cappedRange(plan, measures);
  const raw = marketMinor / baseMinor + own;
  const bounded = clip(raw, plan.lowMultiplier, plan.highMultiplier);
  const capped = clip(bounded, range.lowMultiplier, range.highMultiplier);
  const nearest = Math.round((capped * baseMinor) / gridMinor) * gridMinor;
  const priceMinor = clip(nearest, range.lowMinor, range.highMinor);
  adjustments.constraint += bounded - raw;
  adjustments.emergency_cap += capped - bounded;
  adjustments.rounding += priceMinor / baseMinor - capped;
  return priceMinor;
}

/** A cap goes before the rules' own lowest price; it rounds down. */
function cappedRange(plan: PricePlan, { maxMultiplier, maxMinor }: MeasuresInForce): Range {
  const { baseMinor, gridMinor } = plan;
  const capMinor = Math.min(maxMultiplier * baseMinor, maxMinor);
  if (capMinor >= plan.highMultiplier * baseMinor) return plan;
  const highMultiplier = capMinor / baseMinor;
  // Where the grid has no price that low but zero, the cap itself is the price.
  const onGrid = Math.floor(capMinor / gridMinor + 1e-9) * gridMinor;
  const highMinor = Math.min(plan.highMinor, onGrid > 0 ? onGrid : Math.floor(capMinor));
  return {
    lowMultiplier: Math.min(plan.lowMultiplier, highMultiplier),
    highMultiplier,
    lowMinor: Math.min(plan.lowMinor, highMinor),
    highMinor,
  };
}

function clip(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}

function contribution(rule: { weight: number; neutral: number }, value: number | null): number {
  return value === null ? 0 : rule.weight * (value - rule.neutral);
}

function standardValues(plan: PricePlan, inputs: PriceInputs): ByFactor<number | null> {
  const { demandScore, availableSupply, localHour, dayOfWeek, weatherSeverity, eventScore } =
    inputs;
  const { steepness, threshold } = plan.demand;
  return {
    demand: demandScore === null ? null : sigmoid(steepness * (demandScore - threshold)),
    supply: availableSupply === null ? null : scarcity(availableSupply, inputs.recentDemand),
    time_of_day:
      localHour === null ? null : (plan.multiplierByDay[(dayOfWeek ?? 1) - 1]?.[localHour] ?? null),
    weather: weatherSeverity === null ? null : 1 + 0.5 * weatherSeverity,
    events: eventScore === null ? null : 1 + 0.5 * eventScore,
  };
}

const NONE: string[] = [];

function missingOf(values: ByFactor<number | null>): string[] {
  let missing = NONE;
  for (const name in values) {
    if (values[name] !== null) continue;
    if (missing === NONE) missing = [];
    missing.push(name);
  }
  return missing;
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** 1 / (1 + available / demand): 0.5 when there is a driver for each booking, 1 when there is none left. */
function scarcity(availableSupply: number, recentDemand: number): number {
  return 1 / (1 + availableSupply / Math.max(1, recentDemand));
}
