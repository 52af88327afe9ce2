import { DAY_MS, type EpochMs, HOUR_MS, MINUTE_MS, type ProductType } from "./units.ts";

/** A reading from outside the booking stream, with the instant it was true. */
export interface Reading<Value> {
  value: Value;
  observedAt: EpochMs;
  /** The reading counts until here; afterwards the input is missing. */
  validUntil: EpochMs;
}

export interface Supply {
  /** Drivers (couriers, rooms) free to be booked. */
  available: number;
  busy: number;
}

export interface Weather {
  tempF: number;
  /** Inches of rain in the hour. */
  precipIn: number;
}

export interface Stock {
  /** Units that can be sold. */
  onHand: number;
  /** Units sold a day of late, as the sender counts it; null when it did not say. */
  dailySales: number | null;
}

/** The latest readings of one product. */
export interface ProductContext {
  stock: Reading<Stock> | null;
  /** The lowest price that a competitor asks, a decimal in the region's currency. */
  competitorPrice: Reading<number> | null;
}

/** The latest reading of each kind that a region has had. */
export interface Context {
  supply: Reading<Supply> | null;
  weather: Reading<Weather> | null;
  /** 0 free flow, 1 standstill. */
  traffic: Reading<number> | null;
  /** 0 nothing on, 1 the largest event the region knows. */
  localEvent: Reading<number> | null;
  holiday: Reading<string> | null;
  /** By product type. Snapshots from before products were read have none. */
  products?: Record<string, ProductContext>;
}

export const NO_CONTEXT: Context = {
  supply: null,
  weather: null,
  traffic: null,
  localEvent: null,
  holiday: null,
  products: {},
};

/** How long a reading counts when the event does not say. */
export const VALIDITY_MS = {
  supply: 10 * MINUTE_MS,
  weather: 2 * HOUR_MS,
  traffic: 30 * MINUTE_MS,
  localEvent: 3 * HOUR_MS,
  product: DAY_MS,
} as const;

/** The reading's value, or null when there is none, or it lies in the future of `asOf`, or it has run out. */
export function valueAt<Value>(reading: Reading<Value> | null, asOf: EpochMs): Value | null {
  if (!reading || asOf < reading.observedAt || asOf >= reading.validUntil) return null;
  return reading.value;
}

/** What is known of a product, or null. */
export function productContextOf(
  { products }: Context,
  productType: ProductType,
): ProductContext | null {
  return products && Object.hasOwn(products, productType) ? (products[productType] ?? null) : null;
}

/**
 * The newer of two readings by the instant they were true, so that arrival order does not matter. Of two of one instant the
 * same one stays, whichever came first.
 */
export function newer<Value>(kept: Reading<Value> | null, arrived: Reading<Value>): Reading<Value> {
  if (!kept || kept.observedAt < arrived.observedAt) return arrived;
  if (kept.observedAt > arrived.observedAt) return kept;
  return JSON.stringify(kept) > JSON.stringify(arrived) ? kept : arrived;
}

/**
 * How much the weather pushes people into cars, 0 to 1: rain saturates at half an inch an hour, cold counts below
 * freezing, heat above 90 F. The larger of the three counts.
 */
export function weatherSeverity({ tempF, precipIn }: Weather): number {
  const rain = precipIn / 0.5;
  const cold = (32 - tempF) / 32;
  const heat = (tempF - 90) / 20;
  return Math.min(1, Math.max(0, rain, cold, heat));
}
