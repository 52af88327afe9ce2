/**
 * A decision: one price, with everything that made it.
 *
 * A pure function of rules, snapshot, forecast and product. Its key names those by version, so whoever holds the key can
 * look them up, decide again and get the same price.
 */
import { type MeasuresInForce, measuresFor, type VersionedEmergency } from "./emergency.ts";
import { confidenceOf, type DemandForecast, demandScoreOf } from "./forecast.ts";
import { type Price, priceFrom } from "./price.ts";
import {
  type Attributes,
  NOTHING_KNOWN,
  type PriceInputs,
  priceInputsFrom,
} from "./price-inputs.ts";
import type { PricePlan } from "./price-plan.ts";
import type { Region } from "./region.ts";
import { bookOf, periodAt } from "./rule-book.ts";
import type { VersionedRules } from "./rules.ts";
import type { FeatureSnapshot } from "./snapshot.ts";
import { slotOf, type ToldPrice, toldAfter } from "./told-prices.ts";
import type {
  EmergencyVersion,
  EpochMs,
  MinorUnits,
  ModelVersion,
  ProductType,
  RegionId,
  RulesVersion,
} from "./units.ts";

/** How good the forecast behind a price was. */
export const SOURCES = ["model", "last_forecast", "rules_only"] as const;
export type Source = (typeof SOURCES)[number];

/** The variant of an experiment that somebody's prices are made by. */
export interface ExperimentArm {
  /** `exp_` and letters, digits and underscores. */
  id: string;
  /** Letters, digits and underscores. */
  variant: string;
}

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
  /** Which of the rules' periods it lies in: 0 before the first date that they name. */
  period: number;
  /** Null where no emergency measure bears on the price. */
  emergencyVersion: EmergencyVersion | null;
  experiment: ExperimentArm | null;
  /** What the request said of itself; null when it said nothing, or the rules do not ask. */
  attributes: Attributes | null;
}

export interface Decision {
  key: DecisionKey;
  price: Price;
  /** Null without a forecast, or where no earlier week is known. */
  demandScore: number | null;
  confidence: number;
  inputs: PriceInputs;
  /** Since when the price is announced as reduced, event time; null where it is not. */
  announcedSince: EpochMs | null;
  /** The lowest price of the 30 days before that; null where there is no reduction, or none of those prices is known. */
  lowestBeforeMinor: MinorUnits | null;
  /** What was told of the slot, this price among it: what the next decision goes by. Null where there is no time to tell. */
  told: readonly ToldPrice[] | null;
}

/** What a decision is made from. `snapshot` null means rules only; `forecast` null means no demand factor. */
export interface DecisionMaterial {
  region: Region;
  productType: ProductType;
  rules: VersionedRules;
  snapshot: FeatureSnapshot | null;
  forecast: DemandForecast | null;
  source: Source;
  /** Null while no measure was ever taken. */
  emergency: VersionedEmergency | null;
  experiment: ExperimentArm | null;
  attributes: Attributes | null;
  /** Which period of the rules counts where no snapshot says what time it is: an instant, or the period itself. */
  time: { at: EpochMs } | { period: number };
}

export type DecisionFault = { reason: "unknown_product"; productType: ProductType };

/** Decides one price. Fails only when the region's rules do not price the product. */
export function decide(material: DecisionMaterial): Decision | DecisionFault {
  const { region, productType, rules, snapshot, forecast, source, emergency, experiment } =
    material;
  const planned = planOf(material);
  if (!planned) return { reason: "unknown_product", productType };
  const { plan, period } = planned;

  const demandScore = snapshot && forecast ? demandScoreOf(forecast, snapshot.usual) : null;
  const attributes = material.attributes && attributesOf(plan, material.attributes);
  const inputs =
    snapshot && source !== "rules_only"
      ? { ...priceInputsFrom(region, productType, snapshot, plan), demandScore, attributes }
      : { ...NOTHING_KNOWN, attributes };
  const slot = slotOf(productType, experiment && armText(experiment));
  const told = snapshot?.told[slot] ?? [];
  const measures: MeasuresInForce | null =
    emergency && measuresFor(emergency.document, region.regionId, productType, plan.currency);
  const price = priceFrom(plan, inputs, { told, asOf: snapshot?.asOf ?? null, measures });
  return {
    key: {
      regionId: region.regionId,
      productType,
      tick: snapshot?.tick ?? 0,
      rulesVersion: rules.version,
      modelVersion: forecast?.modelVersion ?? null,
      source,
      priceMinor: price.priceMinor,
      period,
      emergencyVersion: measures && emergency ? emergency.version : null,
      experiment,
      attributes,
    },
    price,
    demandScore,
    confidence: forecast ? confidenceOf(forecast) : 0,
    inputs,
    announcedSince: plan.announcedSince,
    lowestBeforeMinor: plan.announcedSince === null ? null : (snapshot?.lows[productType] ?? null),
    told:
      snapshot &&
      toldAfter(
        told,
        { at: snapshot.asOf, priceMinor: price.marketMinor },
        plan.maxStepMinor !== null,
      ),
  };
}

/** Of what a request says of itself, what the plan reads; null when that is nothing. */
function attributesOf({ attributes }: PricePlan, asked: Attributes): Attributes | null {
  if (attributes.length === 0) return null;
  const pairs = attributes.map(({ attribute, fallback }) => [
    attribute,
    asked[attribute] ?? fallback,
  ]);
  return Object.fromEntries(pairs) as Attributes;
}

/** The plan that prices the product at the decision's time; null when there is none. */
export function planOf({
  region,
  productType,
  rules,
  snapshot,
  time,
}: Pick<DecisionMaterial, "region" | "productType" | "rules" | "snapshot" | "time">): {
  plan: PricePlan;
  period: number;
} | null {
  // Rules may price what this region does not sell.
  if (!region.productTypes.includes(productType)) return null;
  const timeline = bookOf(rules.document).timelineOf(region.regionId, productType);
  if (!timeline) return null;
  const period =
    snapshot !== null
      ? periodAt(timeline, snapshot.asOf)
      : "period" in time
        ? time.period
        : periodAt(timeline, time.at);
  const plan = timeline.periods[period]?.plan;
  return plan && !Array.isArray(plan) ? { plan, period } : null;
}

const SEPARATOR = ".";
/** Stands between the parts of a part. */
const JOINT = "~";

/** `exp_fares~steeper`. */
export function armText({ id, variant }: ExperimentArm): string {
  return id + JOINT + variant;
}

/** `lead_time_days~21~stay_weekday~6`, by name, so that equal attributes are equal text. */
export function attributesText(attributes: Attributes): string {
  return Object.keys(attributes)
    .sort()
    .map((name) => name + JOINT + attributes[name])
    .join(JOINT);
}

/** `nyc-161.standard_ride.812.rul_....mdl_....model.1575.0.-.-.-`; no part can hold the separator. */
export function textOfKey(key: DecisionKey): string {
  const { regionId, productType, tick, rulesVersion, modelVersion, source, priceMinor } = key;
  const { period, emergencyVersion, experiment, attributes } = key;
  const parts = [
    regionId,
    productType,
    tick,
    rulesVersion,
    modelVersion ?? "-",
    source,
    priceMinor,
    period,
    emergencyVersion ?? "-",
    experiment === null ? "-" : armText(experiment),
    attributes === null ? "-" : attributesText(attributes),
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

const KEY_PARTS = [
  /^[a-z0-9-]{1,64}$/,
  /^[a-z0-9_]{1,64}$/,
  /^(0|[1-9]\d{0,14})$/,
  /^rul_[0-9a-f]{12}$/,
  /^(mdl_[0-9a-f]{12}|-)$/,
  /^[a-z_]+$/,
  /^(0|[1-9]\d{0,14})$/,
  /^(0|[1-9]\d{0,5})$/,
  /^(emg_[0-9a-f]{12}|-)$/,
  /^(exp_[a-z0-9_]{1,60}~[a-z0-9_]{1,64}|-)$/,
  /^([a-z0-9_]{1,64}~-?\d{1,9}(~[a-z0-9_]{1,64}~-?\d{1,9})*|-)$/,
];

/** The key a text names, or null when it names none. */
export function parseKey(text: string): DecisionKey | null {
  const parts = text.split(SEPARATOR);
  if (parts.length !== KEY_PARTS.length) return null;
  if (!KEY_PARTS.every((pattern, i) => pattern.test(parts[i] ?? ""))) return null;
  const [regionId, productType, tick, rulesVersion, modelVersion, source, priceMinor] = parts;
  const [period, emergencyVersion, experiment = "-", attributes = "-"] = parts.slice(7);
  const known = SOURCES.find((name) => name === source);
  if (!known) return null;
  const [id = "", variant = ""] = experiment.split(JOINT);
  const key: DecisionKey = {
    regionId: regionId as RegionId,
    productType: productType as ProductType,
    tick: Number(tick),
    rulesVersion: rulesVersion as RulesVersion,
    modelVersion: modelVersion === "-" ? null : (modelVersion as ModelVersion),
    source: known,
    priceMinor: Number(priceMinor),
    period: Number(period),
    emergencyVersion: emergencyVersion === "-" ? null : (emergencyVersion as EmergencyVersion),
    experiment: experiment === "-" ? null : { id, variant },
    attributes: attributes === "-" ? null : attributesIn(attributes),
  };
  // Attributes in another order, or one twice, would be another text of the same key.
  return textOfKey(key) === text ? key : null;
}

function attributesIn(text: string): Attributes {
  const parts = text.split(JOINT);
  const pairs = Array.from({ length: parts.length / 2 }, (_, i) => {
    return [parts[2 * i] ?? "", Number(parts[2 * i + 1])] as const;
  });
  return Object.fromEntries(pairs);
}
