/** Rules, products and inputs, for properties about prices. */
import fc from "fast-check";
import type { PriceInputs } from "../../domain/price.ts";
import { faultsOf, type ProductRules, type RuleSet } from "../../domain/rules.ts";
import type { MinorUnits } from "../../domain/units.ts";

const HOURS = 24;

/** Rules that move no price and bind none; everything that is not given is so. */
export function ruleSet(fields: Partial<RuleSet> = {}): RuleSet {
  return {
    currency: "USD",
    products: { ride: product(1_000) },
    demand: { weight: 0, neutral: 0, steepness: 1, threshold: 0 },
    supply: { weight: 0, neutral: 0 },
    timeOfDay: { weight: 0, neutral: 0, multiplierByHour: new Array<number>(HOURS).fill(1) },
    weather: { weight: 0, neutral: 0 },
    events: { weight: 0, neutral: 0 },
    minMultiplier: 0,
    maxMultiplier: 100,
    roundingMinor: 1 as MinorUnits,
    ...fields,
  };
}

export function product(baseMinor: number, floorMinor?: number, ceilingMinor?: number) {
  return { baseMinor, floorMinor, ceilingMinor } as ProductRules;
}

export const NOTHING_KNOWN: PriceInputs = {
  demandScore: null,
  availableSupply: null,
  recentDemand: 0,
  localHour: null,
  weatherSeverity: null,
  eventScore: null,
};

const share = fc.double({ min: 0, max: 1, noNaN: true });

/** Any inputs a region can have; each may be missing. */
export const priceInputs: fc.Arbitrary<PriceInputs> = fc.record({
  demandScore: fc.option(share),
  availableSupply: fc.option(fc.nat({ max: 5_000 })),
  recentDemand: fc.nat({ max: 5_000 }),
  localHour: fc.option(fc.nat({ max: HOURS - 1 })),
  weatherSeverity: fc.option(share),
  eventScore: fc.option(share),
});

/** Inputs of which none is missing. */
export const fullInputs = priceInputs.filter((inputs) =>
  Object.values(inputs).every((input) => input !== null),
);

/** Rule sets and one product of theirs; weights from `leastWeight`. Bounds and grid may hold no price at all. */
export function anyRules(leastWeight = -3): fc.Arbitrary<{ rules: RuleSet; sold: ProductRules }> {
  const number = (min: number, max: number) => fc.double({ min, max, noNaN: true });
  const factor = { weight: number(leastWeight, 3), neutral: number(-2, 2) };
  const cents = (max: number) => fc.integer({ min: 1, max });
  return fc
    .record({
      base: cents(100_000),
      floor: fc.option(cents(150_000), { nil: undefined }),
      ceiling: fc.option(cents(300_000), { nil: undefined }),
      demand: fc.record({ ...factor, steepness: number(0, 20), threshold: number(0, 1) }),
      supply: fc.record(factor),
      timeOfDay: fc.record({
        ...factor,
        multiplierByHour: fc.array(number(0, 3), { minLength: HOURS, maxLength: HOURS }),
      }),
      weather: fc.record(factor),
      events: fc.record(factor),
      minMultiplier: number(0, 2),
      maxMultiplier: number(0.5, 5),
      grid: fc.constantFrom(1, 5, 10, 25, 50, 99, 100, 500),
    })
    .map(({ base, floor, ceiling, grid, ...rest }) => {
      const sold = product(base, floor, ceiling);
      const rules = ruleSet({
        ...rest,
        products: { ride: sold },
        roundingMinor: grid as MinorUnits,
      });
      return { rules, sold };
    });
}

/** As `anyRules`, of those that may be published. */
export function soundRules(leastWeight = -3): ReturnType<typeof anyRules> {
  return anyRules(leastWeight).filter(({ rules }) => faultsOf(documentOf(rules)).length === 0);
}

/** A document that prices every region by these rules. */
export function documentOf(rules: RuleSet) {
  return { ruleSets: { only: rules }, defaultRuleSet: "only", byRegion: {} };
}
