/** Everything decided for one region from one snapshot, in the form in which it is told. */
import { decidedAnswerFrom } from "../../contract/pricing.ts";
import { type Decision, decide, requestIdPrefixOf, textOfKey } from "../../domain/decision.ts";
import type { DemandForecast } from "../../domain/forecast.ts";
import type { Region } from "../../domain/region.ts";
import type { FeatureSnapshot } from "../../domain/snapshot.ts";
import type { ProductType } from "../../domain/units.ts";
import type { InForce } from "./catalog.ts";
import type { Foresight } from "./foresight.ts";

export interface RegionPrices {
  region: Region;
  snapshot: FeatureSnapshot | null;
  foresight: Foresight;
  madeBy: InForce;
  /** Products that the rules do not price are not here. */
  byProduct: Map<ProductType, Decided>;
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

export type Basis = Omit<RegionPrices, "byProduct">;

/** Decides all products of a region. */
export function regionPricesFrom(basis: Basis): RegionPrices {
  const decided = basis.region.productTypes.flatMap((productType) => {
    const one = decideProduct(basis, productType);
    return one ? [[productType, one] as const] : [];
  });
  return { ...basis, byProduct: new Map(decided) };
}

/** Decides one product; null when the rules do not price it. */
export function decideProduct(basis: Basis, productType: ProductType): Decided | null {
  const { region, snapshot, madeBy, foresight } = basis;
  const decision = decide({ region, productType, rules: madeBy.rules, snapshot, ...foresight });
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
