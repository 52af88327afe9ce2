/**
 * Emergency measures: caps and freezes that are in force within seconds, apart from the rules, until they are lifted.
 *
 * A cap holds down, whatever the rules say, their lowest multiplier among it. A freeze holds a price where it is.
 */
import { minorBelow } from "./money.ts";
import type { EmergencyVersion, ProductType, RegionId } from "./units.ts";

/** Regions and products that a measure is for; null is all of them. */
export interface MeasureScope {
  regions: readonly string[] | null;
  products: readonly string[] | null;
}

interface Measure {
  name: string;
  scope: MeasureScope;
  /** For whoever asks why. */
  reason: string;
}

export interface EmergencyCap extends Measure {
  maxMultiplier: number | null;
  /** Decimal, in the currency of whatever it caps. */
  maxPrice: number | null;
}

export interface Freeze extends Measure {
  /** `last`: the price told last, or the base price where none was; `base`: the base price. */
  hold: "last" | "base";
}

export interface EmergencyDocument {
  caps: readonly EmergencyCap[];
  freezes: readonly Freeze[];
}

export interface VersionedEmergency {
  version: EmergencyVersion;
  document: EmergencyDocument;
}

/** What of a document bears on one price. */
export interface MeasuresInForce {
  maxMultiplier: number;
  maxMinor: number;
  freeze: Freeze["hold"] | null;
  /** Names of the caps and freezes, for explanations. */
  names: readonly string[];
}

/** The measures for a product of a region, the strictest of each kind; null when there is none. */
export function measuresFor(
  { caps, freezes }: EmergencyDocument,
  regionId: RegionId,
  productType: ProductType,
  currency: string,
): MeasuresInForce | null {
  const bears = ({ scope }: Measure) =>
    (scope.regions?.includes(regionId) ?? true) && (scope.products?.includes(productType) ?? true);
  const capped = caps.filter(bears);
  const frozen = freezes.filter(bears);
  if (capped.length === 0 && frozen.length === 0) return null;
  const least = (numbers: (number | null)[]) =>
    numbers.reduce<number>(
      (min, one) => (one === null ? min : Math.min(min, one)),
      Number.POSITIVE_INFINITY,
    );
  return {
    maxMultiplier: least(capped.map(({ maxMultiplier }) => maxMultiplier)),
    maxMinor: least(
      capped.map(({ maxPrice }) => (maxPrice === null ? null : minorBelow(maxPrice, currency))),
    ),
    freeze: frozen.some(({ hold }) => hold === "base") ? "base" : (frozen[0]?.hold ?? null),
    names: [...capped, ...frozen].map(({ name }) => name),
  };
}
