/** A region with rules, a snapshot and a forecast, as decisions are made from them. */
import { type Context, NO_CONTEXT } from "../../domain/context.ts";
import type { DecisionMaterial } from "../../domain/decision.ts";
import { FEATURE_SET_VERSION, HORIZONS_MS } from "../../domain/features.ts";
import { forecastFrom } from "../../domain/forecast.ts";
import type { LiveSignals } from "../../domain/signals.ts";
import type { FeatureSnapshot } from "../../domain/snapshot.ts";
import type {
  EpochMs,
  ModelVersion,
  ProductType,
  RegionId,
  RulesVersion,
} from "../../domain/units.ts";
import { documentBy } from "./pricing-samples.ts";

/** Monday 19 May 2014, 08:20 in New York: the morning peak. */
export const AS_OF = Date.parse("2014-05-19T12:20:00Z") as EpochMs;
export const RIDE = "ride" as ProductType;

export const REGION = {
  regionId: "nyc-161" as RegionId,
  name: "Midtown Center",
  timeZone: "America/New_York",
  currency: "USD",
  productTypes: [RIDE],
};

/** Rules by which each factor moves the price by something of its own. */
export const TELLING_RULES = documentBy({
  demand: { weight: 1, neutral: 0.5, steepness: 6, threshold: 0.5 },
  supply: { weight: 1, neutral: 0.5 },
  timeOfDay: {
    weight: 1,
    neutral: 1,
    multiplierByHour: Array.from({ length: 24 }, (_, hour) => 1 + hour / 100),
  },
  weather: { weight: 1, neutral: 1 },
  events: { weight: 1, neutral: 1 },
});

const QUIET: LiveSignals = {
  asOf: AS_OF,
  bookingCount1m: 0,
  bookingCount5m: 0,
  bookingCount15m: 0,
  searchCount5m: 0,
  searchCount15m: 0,
  cancellationCount15m: 0,
  activeSessions30m: 0,
  lastBookingAt: null,
};

export function snapshot(
  context: Partial<Context> = {},
  signals: Partial<LiveSignals> = {},
): FeatureSnapshot {
  return {
    regionId: REGION.regionId,
    tick: 812,
    asOf: AS_OF,
    madeAt: AS_OF,
    featureSetVersion: FEATURE_SET_VERSION,
    features: [],
    usual: [5, 5, 5, 5],
    signals: { ...QUIET, ...signals },
    context: { ...NO_CONTEXT, ...context },
    lastForecast: null,
    told: {},
    lows: {},
  };
}

/** A forecast of `p50` bookings in each quarter hour. */
export function forecast(p50: number) {
  const quantiles = HORIZONS_MS.flatMap(() => [p50 / 2, p50, 2 * p50]);
  return forecastFrom(quantiles, HORIZONS_MS, AS_OF, "mdl_0123456789ab" as ModelVersion);
}

export function material(fields: Partial<DecisionMaterial> = {}): DecisionMaterial {
  return {
    region: REGION,
    productType: RIDE,
    rules: {
      version: "rul_0123456789ab" as RulesVersion,
      document: TELLING_RULES,
    },
    snapshot: snapshot(),
    forecast: forecast(5),
    source: "model",
    emergency: null,
    experiment: null,
    attributes: null,
    time: { at: AS_OF },
    ...fields,
  };
}
