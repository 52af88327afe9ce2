import type { Region } from "./region.ts";
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
  /** ISO 4217; what the minor units of this rule set are units of. */
  currency: string;
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
  reason:
    | "no_price_within_bounds"
    | "bounds_reversed"
    | "unknown_rule_set"
    | "no_products"
    | "unpriced_product"
    | "other_currency";
  detail: string;
}

/** The rule set that prices a region. A document that passed `faultsOf` always has it. */
export function ruleSetOf(document: RulesDocument, regionId: string): RuleSet {
  const name = ruleSetNameOf(document, regionId);
  const ruleSet = own(document.ruleSets, name);
  if (!ruleSet) throw new Error(`rules name a rule set they do not hold: ${name}`);
  return ruleSet;
}

/** The name of the rule set that prices a region. */
export function ruleSetNameOf(document: RulesDocument, regionId: string): string {
  return own(document.byRegion, regionId) ?? document.defaultRuleSet;
}

/** What a rule set says of a product, or undefined when it does not price it. */
export function productRulesOf(ruleSet: RuleSet, productType: string): ProductRules | undefined {
  return own(ruleSet.products, productType);
}

/** Names come from outside: `constructor` must not find what every object inherits. */
function own<Value>(record: Record<string, Value>, name: string): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
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
  // Products of decimals such as 700 * 1.1 land a hair beside the integer they mean.
  return { low: Math.ceil(low / grid - 1e-9) * grid, high: Math.floor(high / grid + 1e-9) * grid };
}

/** What makes a document unusable, beyond its shape: reversed or empty bounds, names that lead nowhere. */
export function faultsOf(document: RulesDocument): RulesFault[] {
  const faults: RulesFault[] = [];
  const known = (name: string, path: string) => {
    if (own(document.ruleSets, name)) return;
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

/** What keeps sound rules from pricing these regions: a product they leave out, a currency that is not the region's. */
export function faultsInRegions(document: RulesDocument, regions: Iterable<Region>): RulesFault[] {
  return [...regions].flatMap(({ regionId, currency, productTypes }) => {
    const name = ruleSetNameOf(document, regionId);
    const ruleSet = ruleSetOf(document, regionId);
    const path = `rule_sets.${name}`;
    const faults = productTypes
      .filter((productType) => !productRulesOf(ruleSet, productType))
      .map((productType): RulesFault => {
        const detail = `${regionId} sells ${productType}, which has no price here`;
        return { path: `${path}.products.${productType}`, reason: "unpriced_product", detail };
      });
    if (ruleSet.currency === currency) return faults;
    const detail = `${regionId} is priced in ${currency}, not in ${ruleSet.currency}`;
    return [...faults, { path: `${path}.currency`, reason: "other_currency", detail }];
  });
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
