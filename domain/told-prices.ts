/**
 * The prices that were told of one product lately: what limits in time are held against.
 *
 * Pure data that travels with the snapshot, so a decision that depends on the past is still a function of its snapshot.
 */
import { type EpochMs, MINUTE_MS, type MinorUnits, type ProductType } from "./units.ts";

/** A price in force from `at` (event time) until the next one. */
export interface ToldPrice {
  at: EpochMs;
  priceMinor: MinorUnits;
}

/** By slot, the oldest first. */
export type ToldBySlot = Readonly<Record<string, readonly ToldPrice[]>>;

/** Whose prices follow each other: those of a product, apart for each variant of an experiment. */
export function slotOf(productType: ProductType, experiment: string | null): string {
  return experiment === null ? productType : `${productType}~${experiment}`;
}

/** The lowest and highest price in force at some time of the minute before `asOf`; null when none was told. */
export function spanOfMinute(
  told: readonly ToldPrice[],
  asOf: EpochMs,
): { lowest: number; highest: number } | null {
  let span: { lowest: number; highest: number } | null = null;
  for (let i = told.length - 1; i >= 0; i--) {
    const { at, priceMinor } = told[i] as ToldPrice;
    span ??= { lowest: priceMinor, highest: priceMinor };
    if (priceMinor < span.lowest) span.lowest = priceMinor;
    if (priceMinor > span.highest) span.highest = priceMinor;
    // This one was in force when the minute began; what is older had ended.
    if (at <= asOf - MINUTE_MS) break;
  }
  return span;
}

/** What was told, after one more price. Keeps what `spanOfMinute` may look at from `asOf` on; only the last one without a step limit. */
export function toldAfter(
  told: readonly ToldPrice[],
  price: ToldPrice,
  hasStepLimit: boolean,
): readonly ToldPrice[] {
  const last = told.at(-1);
  const isSame = last?.priceMinor === price.priceMinor;
  if (!hasStepLimit) return isSame && told.length === 1 ? told : [isSame ? last : price];
  const minuteAgo = price.at - MINUTE_MS;
  const firstKept = told.findLastIndex(({ at }) => at <= minuteAgo);
  const kept = firstKept > 0 ? told.slice(firstKept) : told;
  return isSame ? kept : [...kept, price];
}
