/** The regions document, and GET /api/v1/regions/{id}/demand. */
import { createHash } from "node:crypto";
import * as z from "zod";
import type { Supply } from "../domain/context.ts";
import type { Region } from "../domain/region.ts";
import {
  cancelRateOf,
  type LiveSignals,
  supplyDemandRatioOf,
  utilizationOf,
} from "../domain/signals.ts";
import type { Totals } from "../domain/totals.ts";
import type { EpochMs, RegionId } from "../domain/units.ts";
import { instantText, productTypeSchema, regionIdSchema } from "./names.ts";

const timeZoneSchema = z.string().refine((name) => {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}, "Not an IANA time zone such as America/New_York.");

export const regionSchema = z.strictObject({
  region_id: regionIdSchema,
  name: z.string().min(1).max(128),
  timezone: timeZoneSchema,
  currency: z.string().regex(/^[A-Z]{3}$/, "Not an ISO 4217 code such as USD."),
  product_types: z.array(productTypeSchema).min(1).max(64),
});

/** All regions there are; published as one document, so that every isolate knows all of them from one read. */
export const regionsDocumentSchema = z.strictObject({
  regions: z
    .array(regionSchema)
    .min(1)
    .max(10_000)
    .refine(
      (regions) => new Set(regions.map((region) => region.region_id)).size === regions.length,
      "Two regions have the same id.",
    ),
});
export type RegionsDocument = z.input<typeof regionsDocumentSchema>;

/** The version of a regions document: a hash of its JSON. */
export function regionsVersionOf(json: unknown): string {
  return `reg_${createHash("sha256").update(JSON.stringify(json)).digest("hex").slice(0, 12)}`;
}

/** The regions by id. */
export function regionsFrom(
  document: z.output<typeof regionsDocumentSchema>,
): Map<RegionId, Region> {
  return new Map(
    document.regions.map((region) => [
      region.region_id,
      {
        regionId: region.region_id,
        name: region.name,
        timeZone: region.timezone,
        currency: region.currency,
        productTypes: region.product_types,
      },
    ]),
  );
}

/** What a region's object answers when asked for its demand. */
export interface RegionDemand {
  watermarkAt: EpochMs;
  signals: LiveSignals;
  supply: Supply | null;
  totals: Totals;
}

const whole = z.number().int().min(0);
export const demandAnswerSchema = z.object({
  region_id: z.string(),
  watermark: z.string(),
  as_of: z.string(),
  windows: z.object({
    booking_count_1min: whole,
    booking_count_5min: whole,
    search_volume_5min: whole,
    cancel_rate_15min: z.number(),
    active_sessions_30min: whole,
    available_drivers: whole.nullable(),
    utilization_ratio: z.number().nullable(),
    supply_demand_ratio: z.number().nullable(),
    time_since_last_booking_s: whole.nullable(),
  }),
  totals: z.object({
    search: whole,
    view: whole,
    booking: whole,
    cancellation: whole,
    late: whole,
    duplicates: whole,
  }),
});
export type DemandAnswer = z.infer<typeof demandAnswerSchema>;

/** The demand of a region as the wire writes it. */
export function demandAnswerFrom(regionId: RegionId, demand: RegionDemand): DemandAnswer {
  const { signals, supply } = demand;
  const { lastBookingAt } = signals;
  return {
    region_id: regionId,
    watermark: instantText(demand.watermarkAt),
    as_of: instantText(signals.asOf),
    windows: {
      booking_count_1min: signals.bookingCount1m,
      booking_count_5min: signals.bookingCount5m,
      search_volume_5min: signals.searchCount5m,
      cancel_rate_15min: cancelRateOf(signals),
      active_sessions_30min: signals.activeSessions30m,
      available_drivers: supply?.available ?? null,
      utilization_ratio: supply ? utilizationOf(supply) : null,
      supply_demand_ratio: supply
        ? supplyDemandRatioOf(supply.available, signals.bookingCount15m)
        : null,
      time_since_last_booking_s:
        lastBookingAt === null
          ? null
          : Math.max(0, Math.floor((signals.asOf - lastBookingAt) / 1_000)),
    },
    totals: demand.totals,
  };
}
