import type { MinorUnits, RulesVersion } from "./units.ts";

/** How strongly a factor moves the price, and the value at which it does not move it at all. */
export interface FactorWeight {
  weight: number;
  neutral: number;
}

export interface ProductRules {
  baseMinor: MinorUnits;
  /** No price of the product is below this. */
  floorMinor?: MinorUnits | undefined;
  /** No price of the product is above this. */
  ceilingMinor?: MinorUnits | undefined;
}

/** Everything that turns demand into a price. Pure data: the pricing team owns it. */
export interface RuleSet {
  products: Record<string, ProductRules>;
  demand: FactorWeight & { steepness: number; threshold: number };
  supply: FactorWeight;
  /** One multiplier for each local hour, 0 to 23. */
  timeOfDay: FactorWeight & { multiplierByHour: readonly number[] };
  weather: FactorWeight;
  events: FactorWeight;
  minMultiplier: number;
  maxMultiplier: number;
  /** Prices are multiples of this. */
  roundingMinor: MinorUnits;
}

/** Rule sets by name and which region uses which: the unit that is pushed, versioned and rolled back. */
export interface RulesDocument {
  ruleSets: Record<string, RuleSet>;
  /** Rule set of a region that `byRegion` does not name. */
  defaultRuleSet: string;
  byRegion: Record<string, string>;
}

export interface VersionedRules {
  version: RulesVersion;
  document: RulesDocument;
}

/** Why a rule set cannot be used, with the place in it. */
export interface RulesFault {
  path: string;
  reason: "no_price_within_bounds" | "bounds_reversed" | "unknown_rule_set" | "no_products";
  detail: string;
}

/** The rule set that prices a region. A document that passed `faultsOf` always has it. */
export function ruleSetOf(document: RulesDocument, regionId: string): RuleSet {
  const name = document.byRegion[regionId] ?? document.defaultRuleSet;
  const ruleSet = document.ruleSets[name];
  if (!ruleSet) throw new Error(`rules name a rule set they do not hold: ${name}`);
  return ruleSet;
}

/** The lowest and highest price on the rounding grid that the bounds allow; empty when low > high. */
export function priceRangeOf(
  ruleSet: RuleSet,
  product: ProductRules,
): { low: number; high: number } {
  const { baseMinor, floorMinor, ceilingMinor } = product;
  const grid = ruleSet.roundingMinor;
  const low = Math.max(baseMinor * ruleSet.minMultiplier, floorMinor ?? 0);
  const high = Math.min(
    baseMinor * ruleSet.maxMultiplier,
    ceilingMinor ?? Number.POSITIVE_INFINITY,
  );
  // Products of decimals such as 1000 * 1.1 land a hair beside the integer they mean.
  return { low: Math.ceil(low / grid - 1e-9) * grid, high: Math.floor(high / grid + 1e-9) * grid };
}

/** What makes a document unusable, beyond its shape: reversed or empty bounds, names that lead nowhere. */
export function faultsOf(document: RulesDocument): RulesFault[] {
  const faults: RulesFault[] = [];
  const known = (name: string, path: string) => {
    if (document.ruleSets[name]) return;
    faults.push({ path, reason: "unknown_rule_set", detail: `there is no rule set "${name}"` });
  };
  known(document.defaultRuleSet, "default_rule_set");
  for (const [regionId, name] of Object.entries(document.byRegion)) {
    known(name, `by_region.${regionId}`);
  }
  for (const [name, ruleSet] of Object.entries(document.ruleSets)) {
    faults.push(...faultsOfRuleSet(ruleSet, `rule_sets.${name}`));
  }
  return faults;
}

function faultsOfRuleSet(ruleSet: RuleSet, path: string): RulesFault[] {
  if (ruleSet.minMultiplier > ruleSet.maxMultiplier) {
    const detail = `min_multiplier ${ruleSet.minMultiplier} is above max_multiplier ${ruleSet.maxMultiplier}`;
    return [{ path: `${path}.min_multiplier`, reason: "bounds_reversed", detail }];
  }
  const products = Object.entries(ruleSet.products);
  if (products.length === 0) {
    return [{ path: `${path}.products`, reason: "no_products", detail: "prices no product" }];
  }
  return products.flatMap(([name, product]): RulesFault[] => {
    const { low, high } = priceRangeOf(ruleSet, product);
    if (low <= high) return [];
    const detail = `no multiple of ${ruleSet.roundingMinor} lies within the bounds of the price`;
    return [{ path: `${path}.products.${name}`, reason: "no_price_within_bounds", detail }];
  });
}
