import { type Context, productContextOf } from "./context.ts";
import type { DemandForecast } from "./forecast.ts";
import type { LiveSignals } from "./signals.ts";
import type { ToldBySlot } from "./told-prices.ts";
import {
  type EpochMs,
  MINUTE_MS,
  type MinorUnits,
  type ProductType,
  type RegionId,
} from "./units.ts";

/** Features count for so long, by the wall clock; afterwards a price made from them is stale, and says so. */
export const FEATURE_TTL_MS = 2 * MINUTE_MS;

/**
 * What a region knew at one tick: the whole input of a decision beside rules and model.
 *
 * Made and stored by the region's object before anyone prices with it, immutable from then on, plain JSON. A tick means
 * the same everywhere, so the same decision made in two isolates is one decision.
 */
export interface FeatureSnapshot {
  regionId: RegionId;
  /** 1, 2, 3, ... per region. */
  tick: number;
  /** Event time of the features. */
  asOf: EpochMs;
  /** Wall clock; the age of a snapshot is measured by it. */
  madeAt: EpochMs;
  featureSetVersion: string;
  /** In the order of FEATURE_NAMES; null is missing (JSON has no NaN). */
  features: (number | null)[];
  usual: (number | null)[];
  signals: LiveSignals;
  context: Context;
  /** The last forecast the region was told of, for when inference is cold or fails. */
  lastForecast: DemandForecast | null;
  /** The prices of the last minute, as far as the region had heard of them. */
  told: ToldBySlot;
  /** By product: the lowest price of the 30 days before its reduction, or, where none is announced, before `asOf`. */
  lows: Readonly<Record<string, MinorUnits>>;
}

/** The snapshot as the price of one product sees it: a region may know of many others. */
export function snapshotForProduct(
  snapshot: FeatureSnapshot,
  productType: ProductType,
): FeatureSnapshot {
  const { context } = snapshot;
  const own = productContextOf(context, productType);
  const low = snapshot.lows[productType];
  return {
    ...snapshot,
    context: { ...context, products: own ? { [productType]: own } : {} },
    lows: low === undefined ? {} : { [productType]: low },
  };
}
