/**
 * The lowest price of each product and day, for the law that wants the lowest of the last thirty days beside a reduction that is announced
 * (Directive 98/6/EC, article 6a: no less than thirty days before the reduction).
 *
 * Days are of event time, in UTC. A window takes whole days at its beginning, so it is up to a day longer than thirty: what it finds is
 * never above the lowest of thirty days.
 */
import type { ToldBySlot } from "./told-prices.ts";
import { DAY_MS, type EpochMs, type MinorUnits } from "./units.ts";

export const LOW_WINDOW_DAYS = 30;
/** A reduction may have been announced for a while when the low before it is asked for. */
export const LOWS_KEPT_DAYS = 60;

/** Since when each product's price is announced as reduced, event time; a product that is not here is not reduced. */
export type Announced = Readonly<Record<string, EpochMs>>;

/** The lowest price of each day of one product; the key is the day's number. */
export type DailyLows = ReadonlyMap<number, MinorUnits>;

/** A product's lowest price of a day, as far as some prices tell. */
export interface DayLow {
  product: string;
  day: number;
  priceMinor: MinorUnits;
}

/** The number of the day that an instant lies in. */
export function dayOf(at: EpochMs): number {
  return Math.floor(at / DAY_MS);
}

/** The lowest price of the thirty days before an instant, its own day among them; null where none is known. */
export function lowBefore(lows: DailyLows, at: EpochMs): MinorUnits | null {
  const last = dayOf(at);
  let low: MinorUnits | null = null;
  for (let day = last - LOW_WINDOW_DAYS; day <= last; day++) {
    const priceMinor = lows.get(day);
    if (priceMinor !== undefined && (low === null || priceMinor < low)) low = priceMinor;
  }
  return low;
}

/**
 * What told prices say of days: each of the day from which it was in force, and the newest of a slot of `asOf` too, for it is in force still. The
 * variants of an experiment are prices of the product like all others.
 */
export function* dayLowsIn(told: ToldBySlot, asOf: EpochMs): Generator<DayLow> {
  for (const [slot, prices] of Object.entries(told)) {
    const product = productOf(slot);
    for (const { at, priceMinor } of prices) yield { product, day: dayOf(at), priceMinor };
    const newest = prices.at(-1);
    if (newest) yield { product, day: dayOf(asOf), priceMinor: newest.priceMinor };
  }
}

/** The product of a slot: all before the mark that an experiment's name follows. */
export function productOf(slot: string): string {
  const end = slot.indexOf("~");
  return end < 0 ? slot : slot.slice(0, end);
}
