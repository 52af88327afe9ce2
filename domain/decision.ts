/**
 * A decision: one price, with everything that made it.
 *
 * A pure function of rules, snapshot, forecast and product. Its key names those by version, so whoever holds the key can
 * look them up, decide again and get the same price.
 */
import { localHourOf } from "./calendar.ts";
import { valueAt, weatherSeverity } from "./context.ts";
import { confidenceOf, type DemandForecast, demandScoreOf } from "./forecast.ts";
import { type Price, type PriceInputs, priceFrom } from "./price.ts";
import type { Region } from "./region.ts";
import { productRulesOf, ruleSetOf, type VersionedRules } from "./rules.ts";
import type { FeatureSnapshot } from "./snapshot.ts";
import type { ModelVersion, ProductType, RegionId, RulesVersion } from "./units.ts";

/** How good the forecast behind a price was. */
export const SOURCES = ["model", "last_forecast", "rules_only"] as const;
export type Source = (typeof SOURCES)[number];

/** Names a decision: the same key is the same decision, wherever it is made. */
export interface DecisionKey {
  regionId: RegionId;
  productType: ProductType;
  /** 0 when no snapshot could be had. */
  tick: number;
  rulesVersion: RulesVersion;
  modelVersion: ModelVersion | null;
  source: Source;
  priceMinor: number;
}

export interface Decision {
  key: DecisionKey;
  price: Price;
  /** Null without a forecast, or where no earlier week is known. */
  demandScore: number | null;
  confidence: number;
  inputs: PriceInputs;
}

/** What a decision is made from. `snapshot` null means rules only; `forecast` null means no demand factor. */
export interface DecisionMaterial {
  region: Region;
  productType: ProductType;
  rules: VersionedRules;
  snapshot: FeatureSnapshot | null;
  forecast: DemandForecast | null;
  source: Source;
}

export type DecisionFault = { reason: "unknown_product"; productType: ProductType };

/** Decides one price. Fails only when the region's rules do not price the product. */
export function decide(material: DecisionMaterial): Decision | DecisionFault {
  const { region, productType, rules, snapshot, forecast, source } = material;
  const ruleSet = ruleSetOf(rules.document, region.regionId);
  const product = productRulesOf(ruleSet, productType);
  if (!product) return { reason: "unknown_product", productType };

  const demandScore = snapshot && forecast ? demandScoreOf(forecast, snapshot.usual) : null;
  const inputs =
    snapshot && source !== "rules_only" ? inputsFrom(region, snapshot, demandScore) : NOTHING_KNOWN;
  const price = priceFrom(ruleSet, product, inputs);
  return {
    key: {
      regionId: region.regionId,
      productType,
      tick: snapshot?.tick ?? 0,
      rulesVersion: rules.version,
      modelVersion: forecast?.modelVersion ?? null,
      source,
      priceMinor: price.priceMinor,
    },
    price,
    demandScore,
    confidence: forecast ? confidenceOf(forecast) : 0,
    inputs,
  };
}

/** With rules alone the price is the base price, held to its bounds and grid. */
const NOTHING_KNOWN: PriceInputs = {
  demandScore: null,
  availableSupply: null,
  recentDemand: 0,
  localHour: null,
  weatherSeverity: null,
  eventScore: null,
};

function inputsFrom(
  region: Region,
  { asOf, signals, context }: FeatureSnapshot,
  demandScore: number | null,
): PriceInputs {
  const weather = valueAt(context.weather, asOf);
  return {
    demandScore,
    availableSupply: valueAt(context.supply, asOf)?.available ?? null,
    recentDemand: signals.bookingCount15m,
    localHour: localHourOf(asOf, region.timeZone),
    weatherSeverity: weather ? weatherSeverity(weather) : null,
    eventScore: valueAt(context.localEvent, asOf),
  };
}

const SEPARATOR = ".";

/** `nyc-161.standard_ride.812.rul_....mdl_....model.1575`; no part can hold the separator. */
export function textOfKey(key: DecisionKey): string {
  const { regionId, productType, tick, rulesVersion, modelVersion, source, priceMinor } = key;
  const parts = [
    regionId,
    productType,
    tick,
    rulesVersion,
    modelVersion ?? "-",
    source,
    priceMinor,
  ];
  return parts.join(SEPARATOR);
}

/**
 * Everything of a request id but the nonce of letters and digits that makes it one answer's alone; made from the text of the
 * decision's key. Whoever holds the id can have the decision explained, even when no log knows of it.
 */
export function requestIdPrefixOf(keyText: string): string {
  return `req_${keyText}${SEPARATOR}`;
}

/** The key of the decision that a request id names, or null when it names none. */
export function keyOfRequestId(requestId: string): DecisionKey | null {
  const match = /^req_(.+)\.[0-9a-z]{1,32}$/.exec(requestId);
  return match?.[1] === undefined ? null : parseKey(match[1]);
}

/** The key a text names, or null when it names none. */
export function parseKey(text: string): DecisionKey | null {
  const pattern =
    /^([a-z0-9-]{1,64})\.([a-z0-9_]{1,64})\.(0|[1-9]\d{0,14})\.(rul_[0-9a-f]{12})\.(mdl_[0-9a-f]{12}|-)\.([a-z_]+)\.(0|[1-9]\d{0,14})$/;
  const match = pattern.exec(text);
  if (!match) return null;
  const [, regionId, productType, tick, rulesVersion, modelVersion, source, priceMinor] = match;
  const known = SOURCES.find((name) => name === source);
  if (!known) return null;
  return {
    regionId: regionId as RegionId,
    productType: productType as ProductType,
    tick: Number(tick),
    rulesVersion: rulesVersion as RulesVersion,
    modelVersion: modelVersion === "-" ? null : (modelVersion as ModelVersion),
    source: known,
    priceMinor: Number(priceMinor),
  };
}
