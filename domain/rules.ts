/**
 * Rules as the pricing team writes them: layers, each with where it applies and what it sets.
 *
 * What prices a product of a region at an instant is put together from the layers that apply to it, leaf by leaf, the most specific
 * layer first (rule-book.ts). Money is decimal here, for a layer may leave it to another to say of what currency.
 */
import type { Curve } from "./curve.ts";
import type { EpochMs, RulesVersion } from "./units.ts";

/** How strongly a factor moves the price, and the value at which it does not move it at all. */
export interface FactorWeight {
  weight: number;
  neutral: number;
}

export const WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
export type Weekday = (typeof WEEKDAYS)[number];

export interface DemandRule extends FactorWeight {
  steepness: number;
  threshold: number;
}

export interface TimeOfDayRule extends FactorWeight {
  /** One multiplier for each local hour, 0 to 23. */
  multiplierByHour: readonly number[];
  /** In place of it on some days. */
  byDay: Partial<Record<Weekday, readonly number[]>>;
}

export interface CurveRule extends FactorWeight, Curve {}

export interface ProductPrices {
  basePrice: number;
  /** No price of the product is below this. */
  floorPrice: number;
  /** No price of the product is above this. */
  ceilingPrice: number;
}

/** What layers set; what one leaves out comes from another. */
export interface Settings {
  /** ISO 4217; what the prices are in. */
  currency?: string | undefined;
  products?: Record<string, Partial<ProductPrices>> | undefined;
  demand?: Partial<DemandRule> | undefined;
  supply?: Partial<FactorWeight> | undefined;
  timeOfDay?: Partial<TimeOfDayRule> | undefined;
  weather?: Partial<FactorWeight> | undefined;
  events?: Partial<FactorWeight> | undefined;
  /** Factors of the team's own, by name. */
  curves?: Record<string, Partial<CurveRule>> | undefined;
  minMultiplier?: number | undefined;
  maxMultiplier?: number | undefined;
  /** Within any minute of event time no two prices differ by more than this times the base price. */
  maxStepPerMinute?: number | undefined;
  /** A price stays while the rules would move it by less than this times the base price. */
  hysteresis?: number | undefined;
  /** Prices are multiples of this. */
  rounding?: number | undefined;
  /** Added to the multiplier. */
  adjust?: number | undefined;
  /** The layer's prices are announced as reduced from the layer's beginning. */
  announcedReduction?: boolean | undefined;
}

/** Regions, region groups and products; null is all of them. */
export interface LayerScope {
  regions: readonly string[] | null;
  groups: readonly string[] | null;
  products: readonly string[] | null;
}

export interface Layer {
  name: string;
  scope: LayerScope;
  /** Half-open, event time; null is open. */
  from: EpochMs | null;
  until: EpochMs | null;
  /** Compared before how specific layers are. */
  priority: number;
  settings: Settings;
}

/** An integer that clients may send with a request. */
export interface AttributeRange {
  min: number;
  max: number;
  /** Counts where a request sends none. */
  default: number;
}

/** The unit that is pushed, versioned and rolled back. */
export interface RulesDocument {
  groups: Record<string, readonly string[]>;
  attributes: Record<string, AttributeRange>;
  layers: readonly Layer[];
}

export interface VersionedRules {
  version: RulesVersion;
  document: RulesDocument;
}

/** Names come from outside: `constructor` must not find what every object inherits. */
export function own<Value>(
  record: Readonly<Record<string, Value>>,
  name: string,
): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
