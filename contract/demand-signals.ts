/**
 * Demand signals: what a region says of a window when it closes, and again when it changes after that.
 *
 * A signal is known by region, width and start; of several the highest revision stands, so it does not matter how often or in
 * which order they come. A window in which nothing happened and no session was open is not told.
 */
import * as z from "zod";
import { supplyDemandRatioOf, utilizationOf } from "../domain/signals.ts";
import { type EpochMs, type RegionId, SECOND_MS } from "../domain/units.ts";
import type { WindowSignal } from "../domain/window-signals.ts";
import { instantText } from "./names.ts";

const countSchema = z.number().int().min(0);
const instantTextSchema = z.iso.datetime();

export const demandSignalSchema = z.object({
  region_id: z.string(),
  /** 60 or 300. */
  width_s: countSchema,
  /** The window is half-open, [start_at, end_at), on a multiple of its width. */
  start_at: instantTextSchema,
  end_at: instantTextSchema,
  /** From 1; a higher one replaces a lower one. */
  revision: countSchema,
  counts: z.object({
    search: countSchema,
    view: countSchema,
    booking: countSchema,
    cancellation: countSchema,
  }),
  /** Cancellations per booking of the window; 0 without bookings. */
  cancel_rate: z.number(),
  /** Sessions (gap 30 minutes) that are open at the window's end. */
  active_sessions: countSchema,
  /** The supply that was valid at the window's end; null where none was. */
  available_drivers: z.number().nullable(),
  busy_drivers: z.number().nullable(),
  utilization_ratio: z.number().nullable(),
  /** available_drivers / max(1, bookings of the 15 minutes before the window's end). */
  supply_demand_ratio: z.number().nullable(),
  watermark: instantTextSchema,
  told_at: instantTextSchema,
});
export type DemandSignal = z.infer<typeof demandSignalSchema>;

/** Payload of a log record of kind 2 (contract/log-records.ts). */
export const demandSignalsSchema = z.array(demandSignalSchema);

/** A signal as it is told. `toldAt` and `watermarkAt` are of the event clock. */
export function demandSignalFrom(
  { startAt, widthMs, revision, counts, activeSessions, supply, bookingCount15m }: WindowSignal,
  regionId: RegionId,
  watermarkAt: EpochMs,
  toldAt: EpochMs,
): DemandSignal {
  return {
    region_id: regionId,
    width_s: widthMs / SECOND_MS,
    start_at: instantText(startAt),
    end_at: instantText(startAt + widthMs),
    revision,
    counts,
    cancel_rate: counts.booking === 0 ? 0 : counts.cancellation / counts.booking,
    active_sessions: activeSessions,
    available_drivers: supply?.available ?? null,
    busy_drivers: supply?.busy ?? null,
    utilization_ratio: supply && utilizationOf(supply),
    supply_demand_ratio: supply && supplyDemandRatioOf(supply.available, bookingCount15m),
    watermark: instantText(watermarkAt),
    told_at: instantText(toldAt),
  };
}
