/** Rules, plans and inputs, for properties about prices. */
import fc from "fast-check";
import type { PriceInputs } from "../../domain/price-inputs.ts";
import type { PricePlan } from "../../domain/price-plan.ts";
import { bookOf } from "../../domain/rule-book.ts";
import { faultsOf } from "../../domain/rule-faults.ts";
import type { Layer, RulesDocument, Settings } from "../../domain/rules.ts";
import type { EpochMs } from "../../domain/units.ts";

const HOURS = 24;

/** Settings that move no price of `ride` and bind none; everything that is not given is so. */
export function settings(fields: Settings = {}): Settings {
  return {
    currency: "USD",
    products: { ride: { basePrice: 10 } },
    minMultiplier: 0,
    maxMultiplier: 100,
    rounding: 0.01,
    ...fields,
  };
}

export function layer(fields: Partial<Layer> = {}): Layer {
  return {
    name: "everywhere",
    scope: { regions: null, groups: null, products: null },
    from: null,
    until: null,
    priority: 0,
    settings: settings(),
    ...fields,
  };
}

/** A document of these layers. */
export function documentOf(...layers: Layer[]): RulesDocument {
  return { groups: {}, attributes: {}, layers };
}

/** A document that prices every region by these settings. */
export function documentBy(fields: Settings = {}): RulesDocument {
  return documentOf(layer({ settings: settings(fields) }));
}

/** The plan of a product under a document. Throws where there is none. */
export function planIn(
  document: RulesDocument,
  productType = "ride",
  regionId = "nyc-161",
  period = 0,
): PricePlan {
  const plan = bookOf(document).timelineOf(regionId, productType)?.periods[period]?.plan;
  if (plan && !Array.isArray(plan)) return plan;
  throw new Error(`no plan: ${JSON.stringify(plan)}`);
}

/** The plan for `ride` by these settings. */
export function planBy(fields: Settings = {}): PricePlan {
  return planIn(documentBy(fields));
}

const share = fc.double({ min: 0, max: 1, noNaN: true });

/** Any inputs a region can have; each may be missing. */
export const priceInputs: fc.Arbitrary<PriceInputs> = fc.record({
  demandScore: fc.option(share),
  availableSupply: fc.option(fc.nat({ max: 5_000 })),
  utilization: fc.option(share),
  recentDemand: fc.nat({ max: 5_000 }),
  searchCount15m: fc.option(fc.nat({ max: 5_000 })),
  cancelRate15m: fc.option(share),
  activeSessions30m: fc.option(fc.nat({ max: 5_000 })),
  localHour: fc.option(fc.nat({ max: HOURS - 1 })),
  dayOfWeek: fc.integer({ min: 1, max: 7 }),
  weatherSeverity: fc.option(share),
  trafficIndex: fc.option(share),
  eventScore: fc.option(share),
  holiday: fc.option(fc.nat({ max: 1 })),
  stockOnHand: fc.option(fc.nat({ max: 5_000 })),
  stockCoverDays: fc.option(fc.nat({ max: 300 })),
  competitorPriceRatio: fc.option(fc.double({ min: 0, max: 3, noNaN: true })),
  attributes: fc.option(fc.record({ lead_time_days: fc.nat({ max: 365 }) })),
});

/** Inputs of which none of the standard factors' is missing. */
export const fullInputs = priceInputs.filter((inputs) =>
  [
    inputs.demandScore,
    inputs.availableSupply,
    inputs.localHour,
    inputs.weatherSeverity,
    inputs.eventScore,
  ].every((input) => input !== null),
);

const number = (min: number, max: number) => fc.double({ min, max, noNaN: true });
const cents = (max: number) => fc.integer({ min: 1, max }).map((minor) => minor / 100);

function points(minY: number): fc.Arbitrary<[number, number][]> {
  return fc
    .uniqueArray(fc.integer({ min: -5, max: 400 }), { minLength: 1, maxLength: 5 })
    .chain((xs) =>
      fc
        .array(number(minY, 3), { minLength: xs.length, maxLength: xs.length })
        .map((ys) => xs.toSorted((a, b) => a - b).map((x, i): [number, number] => [x, ys[i] ?? 0])),
    );
}

/** Settings of one layer that says everything; weights from `leastWeight`. Bounds and grid may hold no price at all. */
export function anySettings(leastWeight = -3): fc.Arbitrary<Settings> {
  const factor = { weight: number(leastWeight, 3), neutral: number(-2, 2) };
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
      crowd: fc.option(
        fc.record({
          ...factor,
          input: fc.constantFrom("traffic_index", "utilization", "cancel_rate_15m", "day_of_week"),
          kind: fc.constantFrom("linear" as const, "step" as const),
          points: points(-3),
        }),
        { freq: 2 },
      ),
      lead: fc.option(
        fc.record({
          ...factor,
          input: fc.constant("attribute.lead_time_days"),
          points: points(-1),
        }),
        { freq: 1 },
      ),
      minMultiplier: number(0, 2),
      maxMultiplier: number(0.5, 5),
      maxStepPerMinute: fc.option(number(0.01, 1), { nil: undefined }),
      hysteresis: fc.option(number(0, 0.3), { nil: undefined }),
      rounding: fc.constantFrom(0.01, 0.05, 0.1, 0.25, 0.5, 0.99, 1, 5),
      adjust: fc.option(number(-0.5, 0.5), { nil: undefined }),
    })
    .map(({ base, floor, ceiling, crowd, lead, ...rest }): Settings => {
      const prices = { basePrice: base, floorPrice: floor, ceilingPrice: ceiling };
      const given = Object.entries(prices).filter(([, price]) => price !== undefined);
      return {
        currency: "USD",
        products: { ride: Object.fromEntries(given) },
        ...rest,
        curves: { ...(crowd ? { crowd } : {}), ...(lead ? { lead } : {}) },
      };
    });
}

/** A document of one layer, with an attribute that its curves may read. */
export function documentWith(all: Settings): RulesDocument {
  const attributes = { lead_time_days: { min: 0, max: 365, default: 7 } };
  return { groups: {}, attributes, layers: [layer({ settings: all })] };
}

/** Documents that may be published. */
export function soundDocuments(leastWeight = -3): fc.Arbitrary<RulesDocument> {
  return anySettings(leastWeight)
    .map(documentWith)
    .filter((document) => faultsOf(document).length === 0);
}

export const at = (text: string) => Date.parse(text) as EpochMs;
