/** POST and GET /admin/v1/regions/{region_id}/replay: a range of the event log, played into a region that nothing else counts in. */
import * as z from "zod";
import { ByteReader } from "../domain/bytes.ts";
import type { RegionId } from "../domain/units.ts";
import { demandSignalsSchema } from "./demand-signals.ts";
import { instantText } from "./names.ts";
import { readParcel } from "./parcel.ts";
import type { RegionReplayed, ReplaySummary } from "./rpc.ts";

export const REPLAY_CONTENT_TYPE = "application/octet-stream";
export const MAX_REPLAY_BODY_BYTES = 1024 * 1024;

const countSchema = z.int().min(0);

export const replaySummaryAnswerSchema = z.object({
  region_id: z.string(),
  /** Null before the first event. */
  watermark: z.string().nullable(),
  totals: z.object({
    search: countSchema,
    view: countSchema,
    booking: countSchema,
    cancellation: countSchema,
    late: countSchema,
    duplicates: countSchema,
  }),
  /** Of windows that closed and were not answered before; of several of one window the highest revision stands. */
  signals: demandSignalsSchema,
});

export const replayedAnswerSchema = replaySummaryAnswerSchema.extend({
  /** Of parcels that came for the first time. */
  events: countSchema,
  duplicates: countSchema,
  late: countSchema,
  /** Parcels that the region had already. */
  repeated_parcels: countSchema,
});

/** The parcels of a region that lie end to end, each as views into the bytes; null when they are not that. */
export function parcelsIn(bytes: Uint8Array, regionId: RegionId): Uint8Array[] | null {
  const reader = new ByteReader(bytes);
  const parcels: Uint8Array[] = [];
  try {
    while (!reader.isAtEnd) {
      const startAt = reader.at;
      if (readParcel(reader).regionId !== regionId) return null;
      parcels.push(bytes.subarray(startAt, reader.at));
    }
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
  return parcels;
}

export function replaySummaryAnswerFrom(
  regionId: RegionId,
  { watermarkAt, totals, signals }: ReplaySummary,
): z.infer<typeof replaySummaryAnswerSchema> {
  const watermark = watermarkAt === null ? null : instantText(watermarkAt);
  return { region_id: regionId, watermark, totals, signals };
}

export function replayedAnswerFrom(
  regionId: RegionId,
  replayed: RegionReplayed,
): z.infer<typeof replayedAnswerSchema> {
  const { events, duplicates, late, repeatedParcels } = replayed;
  return {
    ...replaySummaryAnswerFrom(regionId, replayed),
    ...{ events, duplicates, late, repeated_parcels: repeatedParcels },
  };
}
