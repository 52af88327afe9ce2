/** What a price is made from, beside its rules: one number for each thing that is known of a region, null for what is not. */
import { localHourOf, localWeekdayOf } from "./calendar.ts";
import { productContextOf, valueAt, weatherSeverity } from "./context.ts";
import type { PricePlan } from "./price-plan.ts";
import { type ProductInputs, productInputsFrom } from "./product-inputs.ts";
import type { Region } from "./region.ts";
import { cancelRateOf, utilizationOf } from "./signals.ts";
import type { FeatureSnapshot } from "./snapshot.ts";
import type { ProductType } from "./units.ts";

/** Integers that a client sends with its request, by name: how many days ahead, how many nights. */
export type Attributes = Readonly<Record<string, number>>;

export interface PriceInputs extends ProductInputs {
  /** 0 to 1, 0.5 is ordinary; null without a forecast. */
  demandScore: number | null;
  /** Drivers, couriers, rooms free to be booked; null when unknown. */
  availableSupply: number | null;
  /** Busy share of the supply, 0 to 1: the occupancy of a hotel. */
  utilization: number | null;
  /** Bookings of the last 15 minutes. */
  recentDemand: number;
  searchCount15m: number | null;
  /** Cancellations per booking of the last 15 minutes. */
  cancelRate15m: number | null;
  activeSessions30m: number | null;
  /** 0 to 23; null when the time is not to count. */
  localHour: number | null;
  /** 1 is Monday, 7 is Sunday. */
  dayOfWeek: number | null;
  /** 0 to 1; null when unknown. */
  weatherSeverity: number | null;
  /** 0 free flow, 1 standstill. */
  trafficIndex: number | null;
  /** 0 to 1; null when unknown. */
  eventScore: number | null;
  /** 1 on a holiday, else 0. */
  holiday: number | null;
  /** Null where the request sent none: the rules' own defaults then count. */
  attributes: Attributes | null;
}

/** With rules alone the price is the base price, held to its bounds and grid. */
export const NOTHING_KNOWN: PriceInputs = {
  demandScore: null,
  availableSupply: null,
  utilization: null,
  recentDemand: 0,
  searchCount15m: null,
  cancelRate15m: null,
  activeSessions30m: null,
  localHour: null,
  dayOfWeek: null,
  weatherSeverity: null,
  trafficIndex: null,
  eventScore: null,
  holiday: null,
  stockOnHand: null,
  stockCoverDays: null,
  competitorPriceRatio: null,
  attributes: null,
};

/** The inputs that a snapshot gives for a product, whose plan says what it costs in an ordinary hour. */
export function priceInputsFrom(
  region: Region,
  productType: ProductType,
  { asOf, signals, context }: FeatureSnapshot,
  { baseMinor, currency }: Pick<PricePlan, "baseMinor" | "currency">,
): PriceInputs {
  const supply = valueAt(context.supply, asOf);
  const weather = valueAt(context.weather, asOf);
  return {
    ...productInputsFrom(productContextOf(context, productType), asOf, baseMinor, currency),
    demandScore: null,
    availableSupply: supply?.available ?? null,
    utilization: supply ? utilizationOf(supply) : null,
    recentDemand: signals.bookingCount15m,
    searchCount15m: signals.searchCount15m,
    cancelRate15m: cancelRateOf(signals),
    activeSessions30m: signals.activeSessions30m,
    localHour: localHourOf(asOf, region.timeZone),
    dayOfWeek: localWeekdayOf(asOf, region.timeZone),
    weatherSeverity: weather ? weatherSeverity(weather) : null,
    trafficIndex: valueAt(context.traffic, asOf),
    eventScore: valueAt(context.localEvent, asOf),
    holiday: valueAt(context.holiday, asOf) === null ? 0 : 1,
    attributes: null,
  };
}
