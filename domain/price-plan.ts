/**
 * What prices one product of a region at one time: the settings of all layers that apply, put together and made ready.
 *
 * Everything that does not depend on the inputs is worked out here once, so that a price costs some tens of multiplications.
 */
import { attributeOf, type CurveInput, isCurveInput, type ReadInput, readerOf } from "./curve.ts";
import { minorFrom } from "./money.ts";
import {
  type AttributeRange,
  type CurveRule,
  type DemandRule,
  type FactorWeight,
  own,
  type RulesDocument,
  type Settings,
  type TimeOfDayRule,
  WEEKDAYS,
} from "./rules.ts";
import type { EpochMs, MinorUnits } from "./units.ts";

export interface PlannedCurve extends Pick<CurveRule, "weight" | "neutral" | "kind" | "points"> {
  name: string;
  input: CurveInput;
  read: ReadInput;
}

/** A curve over what the request says of itself. */
export interface PlannedAttribute extends Omit<PlannedCurve, "read" | "input"> {
  /** `attribute.` and its name. */
  input: string;
  attribute: string;
  /** Counts where the request does not say. */
  fallback: number;
}

export interface PricePlan {
  currency: string;
  baseMinor: MinorUnits;
  /** Prices are multiples of this. */
  gridMinor: MinorUnits;
  /** The lowest and highest price of the grid that the bounds allow. */
  lowMinor: number;
  highMinor: number;
  /** The bounds as multiples of the base price, floor and ceiling among them. */
  lowMultiplier: number;
  highMultiplier: number;
  demand: DemandRule;
  supply: FactorWeight;
  timeOfDay: FactorWeight;
  /** By weekday (0 is Monday) and local hour. */
  multiplierByDay: readonly (readonly number[])[];
  weather: FactorWeight;
  events: FactorWeight;
  curves: readonly PlannedCurve[];
  attributes: readonly PlannedAttribute[];
  adjust: number;
  /** Largest difference of prices within a minute, in minor units; null without a limit. */
  maxStepMinor: number | null;
  /** In minor units; 0 without. */
  hysteresisMinor: number;
  /** Since when the price is announced as reduced; null where it is not. */
  announcedSince: EpochMs | null;
}

/** Why settings price nothing, with the leaf that is at fault: `factors.demand.weight`. */
export interface PlanFault {
  path: string;
  reason:
    | "incomplete"
    | "no_such_amount"
    | "bounds_reversed"
    | "no_price_within_bounds"
    | "step_below_grid"
    | "unknown_input"
    | "points_not_rising";
  detail: string;
}

const NO_EFFECT: FactorWeight = { weight: 0, neutral: 0 };
const NO_DEMAND: DemandRule = { ...NO_EFFECT, steepness: 1, threshold: 0 };

/** The plan for a product from its merged settings, or everything that keeps them from being one. */
export function planFrom(
  settings: Settings,
  productType: string,
  document: Pick<RulesDocument, "attributes">,
  announcedSince: EpochMs | null,
): PricePlan | PlanFault[] {
  const faults: PlanFault[] = [];
  const needed = <Value>(value: Value | undefined, path: string, stand: Value): Value => {
    if (value !== undefined) return value;
    faults.push({ path, reason: "incomplete", detail: `no layer that applies sets ${path}` });
    return stand;
  };
  const currency = needed(settings.currency, "currency", "USD");
  const minor = (decimal: number, path: string): MinorUnits => {
    const amount = minorFrom(decimal, currency);
    if (amount !== null && amount > 0) return amount;
    const detail = `${decimal} is no amount of ${currency}`;
    faults.push({ path, reason: "no_such_amount", detail });
    return 1 as MinorUnits;
  };
  const prices = settings.products ? own(settings.products, productType) : undefined;
  const at = `products.${productType}`;
  const baseMinor = minor(needed(prices?.basePrice, `${at}.base_price`, 1), `${at}.base_price`);
  const gridMinor = minor(needed(settings.rounding, "rounding", 1), "rounding");
  const floorMinor =
    prices?.floorPrice === undefined ? 0 : minor(prices.floorPrice, `${at}.floor_price`);
  const ceilingMinor =
    prices?.ceilingPrice === undefined
      ? Number.POSITIVE_INFINITY
      : minor(prices.ceilingPrice, `${at}.ceiling_price`);
  const least = needed(settings.minMultiplier, "constraints.min_multiplier", 0);
  const most = needed(settings.maxMultiplier, "constraints.max_multiplier", 0);
  const curves = curvesFrom(settings.curves ?? {}, document.attributes, faults);
  if (faults.length > 0) return faults;

  if (least > most) {
    const detail = `min_multiplier ${least} is above max_multiplier ${most}`;
    return [{ path: "constraints.min_multiplier", reason: "bounds_reversed", detail }];
  }
  const { lowMinor, highMinor } = gridWithin(
    Math.max(baseMinor * least, floorMinor),
    Math.min(baseMinor * most, ceilingMinor),
    gridMinor,
  );
  if (lowMinor > highMinor) {
    const detail = `no multiple of ${settings.rounding} lies within the bounds of the price`;
    return [{ path: at, reason: "no_price_within_bounds", detail }];
  }
  const maxStepMinor =
    settings.maxStepPerMinute === undefined ? null : settings.maxStepPerMinute * baseMinor;
  if (maxStepMinor !== null && maxStepMinor < gridMinor && lowMinor < highMinor) {
    const detail = `a step of ${settings.maxStepPerMinute} times the base price is less than the rounding, so the price could never move`;
    return [{ path: "constraints.max_step_per_minute", reason: "step_below_grid", detail }];
  }
  return {
    currency,
    baseMinor,
    gridMinor,
    lowMinor,
    highMinor,
    lowMultiplier: Math.max(least, floorMinor / baseMinor),
    highMultiplier: Math.min(most, ceilingMinor / baseMinor),
    demand: { ...NO_DEMAND, ...settings.demand },
    supply: { ...NO_EFFECT, ...settings.supply },
    timeOfDay: {
      weight: settings.timeOfDay?.weight ?? 0,
      neutral: settings.timeOfDay?.neutral ?? 0,
    },
    multiplierByDay: multiplierByDay(settings.timeOfDay),
    weather: { ...NO_EFFECT, ...settings.weather },
    events: { ...NO_EFFECT, ...settings.events },
    ...curves,
    adjust: settings.adjust ?? 0,
    maxStepMinor,
    hysteresisMinor: (settings.hysteresis ?? 0) * baseMinor,
    announcedSince: settings.announcedReduction ? announcedSince : null,
  };
}

/** The lowest and highest multiple of `grid` from `low` to `high`; lowest > highest when there is none. */
function gridWithin(low: number, high: number, grid: number) {
  // Products of decimals such as 700 * 1.1 land a hair beside the integer they mean.
  return {
    lowMinor: Math.ceil(low / grid - 1e-9) * grid,
    highMinor: Math.floor(high / grid + 1e-9) * grid,
  };
}

const ORDINARY_DAY: readonly number[] = new Array<number>(24).fill(1);

function multiplierByDay(rule: Partial<TimeOfDayRule> = {}): (readonly number[])[] {
  return WEEKDAYS.map((day) => rule.byDay?.[day] ?? rule.multiplierByHour ?? ORDINARY_DAY);
}

function curvesFrom(
  rules: Record<string, Partial<CurveRule>>,
  ranges: Record<string, AttributeRange>,
  faults: PlanFault[],
): Pick<PricePlan, "curves" | "attributes"> {
  const curves: PlannedCurve[] = [];
  const attributes: PlannedAttribute[] = [];
  for (const [name, rule] of Object.entries(rules)) {
    const { input, points, weight = 1, neutral = 0, kind = "linear" } = rule;
    const fault = (field: string, reason: PlanFault["reason"], detail: string) =>
      faults.push({ path: `factors.${name}.${field}`, reason, detail });
    if (input === undefined || points === undefined || points.length === 0) {
      const field = input === undefined ? "input" : "points";
      fault(field, "incomplete", `no layer that applies sets factors.${name}.${field}`);
      continue;
    }
    if (points.some(([x], i) => i > 0 && x <= (points[i - 1]?.[0] ?? x))) {
      fault(
        "points",
        "points_not_rising",
        "the inputs of the points must rise from each to the next",
      );
    }
    const common = { name, input, kind, points, weight, neutral };
    const attribute = attributeOf(input);
    if (attribute !== null) {
      const range = own(ranges, attribute);
      if (range) attributes.push({ ...common, attribute, fallback: range.default });
      else fault("input", "unknown_input", `there is no attribute ${attribute}`);
    } else if (isCurveInput(input)) curves.push({ ...common, input, read: readerOf(input) });
    else fault("input", "unknown_input", `there is no input ${input}`);
  }
  return { curves, attributes };
}
