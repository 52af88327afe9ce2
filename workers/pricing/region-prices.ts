/** Everything decided for one region from one snapshot, in the form in which it is told. */
import { decidedAnswerFrom } from "../../contract/pricing.ts";
import {
  armText,
  type Decision,
  decide,
  type ExperimentArm,
  requestIdPrefixOf,
  textOfKey,
} from "../../domain/decision.ts";
import type { DemandForecast } from "../../domain/forecast.ts";
import type { Attributes } from "../../domain/price-inputs.ts";
import type { Announced } from "../../domain/price-lows.ts";
import type { Region } from "../../domain/region.ts";
import { bookOf } from "../../domain/rule-book.ts";
import type { FeatureSnapshot } from "../../domain/snapshot.ts";
import { slotOf, type ToldBySlot } from "../../domain/told-prices.ts";
import type { EpochMs, ModelVersion, ProductType } from "../../domain/units.ts";
import type { InForce } from "./catalog.ts";
import type { Foresight } from "./foresight.ts";

export interface RegionPrices {
  region: Region;
  snapshot: FeatureSnapshot | null;
  foresight: Foresight;
  madeBy: InForce;
  /** When they were decided, wall clock: what time it is for rules where no snapshot says. */
  decidedAt: EpochMs;
  /** Without a snapshot, when the rules next change; null when they do not. */
  validUntil: EpochMs | null;
  /** Products that the rules do not price are not here. */
  byProduct: Map<ProductType, Decided>;
  /** Decisions of experiments' variants, by `exp_fares~steeper`: made when somebody of the variant asks. */
  byVariant: Map<string, Map<ProductType, Decided>>;
  /** Forecasts by models that variants name. */
  byModel: Map<ModelVersion, Foresight>;
}

/** A decision with the JSON that tells it. */
export interface Decided {
  id: string;
  decision: Decision;
  /** What the decision was made with, beside rules and snapshot. */
  forecast: DemandForecast | null;
  /** The answer from its first brace to the nonce of the request id: all but what is this answer's alone. */
  head: string;
  /** Somebody was told, and the log knows. */
  told: boolean;
}

export type Basis = Omit<RegionPrices, "byProduct" | "byVariant" | "byModel" | "validUntil">;

/** What sets one decision for a product apart from the others made from the same basis. */
export interface Particulars {
  attributes: Attributes | null;
  experiment: ExperimentArm | null;
}

export const NO_PARTICULARS: Particulars = { attributes: null, experiment: null };

/** Decides all products of a region. */
export function regionPricesFrom(basis: Basis): RegionPrices {
  const { region, snapshot, madeBy, decidedAt } = basis;
  const { regionId, productTypes } = region;
  const book = bookOf(madeBy.rules.document);
  const decided = productTypes.flatMap((productType) => {
    const one = decideProduct(basis, productType);
    return one ? [[productType, one] as const] : [];
  });
  return {
    ...basis,
    validUntil: snapshot ? null : book.nextChangeAfter(decidedAt, regionId, productTypes),
    byProduct: new Map(decided),
    byVariant: new Map(),
    byModel: new Map(),
  };
}

/** Decides one product; null when the rules do not price it. */
export function decideProduct(
  basis: Basis,
  productType: ProductType,
  particulars = NO_PARTICULARS,
): Decided | null {
  const { region, snapshot, madeBy, foresight, decidedAt } = basis;
  const { rules, emergency } = madeBy;
  const time = { at: decidedAt };
  const made = { region, productType, rules, snapshot, emergency, time };
  const decision = decide({ ...made, ...foresight, ...particulars });
  if ("reason" in decision) return null;
  const id = textOfKey(decision.key);
  const answer = JSON.stringify(decidedAnswerFrom(decision)).slice(0, -1);
  return {
    id,
    decision,
    forecast: foresight.forecast,
    head: `${answer},"request_id":"${requestIdPrefixOf(id)}`,
    told: false,
  };
}

/** Since when each product's price is announced as reduced, for the region to know which low to keep. */
export function announcedBy({ byProduct }: Pick<RegionPrices, "byProduct">): Announced {
  const announced: Record<string, EpochMs> = {};
  for (const { decision } of byProduct.values()) {
    const { announcedSince, key } = decision;
    if (announcedSince !== null) announced[key.productType] = announcedSince;
  }
  return announced;
}

/** What was told of each slot, for the region to keep: what the next prices follow. */
export function toldBy({
  byProduct,
  byVariant,
}: Pick<RegionPrices, "byProduct" | "byVariant">): ToldBySlot {
  const told: Record<string, ToldBySlot[string]> = {};
  for (const products of [byProduct, ...byVariant.values()]) {
    for (const { decision } of products.values()) {
      const { productType, experiment } = decision.key;
      const slot = slotOf(productType, experiment && armText(experiment));
      if (decision.told) told[slot] = decision.told;
    }
  }
  return told;
}
