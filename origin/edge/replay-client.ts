/** Playing parcels of the past into a region, through the admin API. */
import { z } from "zod";
import { createAsk, type EdgeAddress, type EdgeResult, jsonAnswer } from "./ask-edge.ts";

/** What became of parcels that were posted. */
const replayedSchema = z.object({
  /** Of parcels that came for the first time. */
  events: z.int(),
  duplicates: z.int(),
  late: z.int(),
  repeated_parcels: z.int(),
});
export type Replayed = z.output<typeof replayedSchema>;

export interface ReplayClient {
  /** Parcels laid end to end. The same parcels may be posted again. */
  postParcels(regionId: string, parcels: Uint8Array): Promise<EdgeResult<Replayed>>;
}

export function createReplayClient(
  address: EdgeAddress,
  patienceMs: number,
  signal: AbortSignal,
): ReplayClient {
  const ask = createAsk(address, patienceMs, signal);
  return {
    postParcels: (regionId, body) =>
      ask({
        method: "POST",
        path: `/admin/v1/regions/${regionId}/replay`,
        body,
        readAnswer: jsonAnswer(replayedSchema),
      }),
  };
}
