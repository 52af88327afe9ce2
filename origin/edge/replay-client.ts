/** Playing parcels of the past into a region, through the admin API. */
import type { z } from "zod";
import { replayedAnswerSchema, replaySummaryAnswerSchema } from "../../contract/replay.ts";
import { createAsk, type EdgeAddress, type EdgeResult, jsonAnswer } from "./ask-edge.ts";

/** What became of parcels that were posted, and what the region then says of its windows. */
export type Replayed = z.output<typeof replayedAnswerSchema>;
/** What a region holds of a replay, with the windows that are open still. */
export type ReplaySummary = z.output<typeof replaySummaryAnswerSchema>;

export interface ReplayClient {
  /** Parcels laid end to end. The same parcels may be posted again. */
  postParcels(regionId: string, parcels: Uint8Array): Promise<EdgeResult<Replayed>>;
  readReplay(regionId: string): Promise<EdgeResult<ReplaySummary>>;
}

export function createReplayClient(
  address: EdgeAddress,
  patienceMs: number,
  signal: AbortSignal,
): ReplayClient {
  const ask = createAsk(address, patienceMs, signal);
  const pathOf = (regionId: string) => `/admin/v1/regions/${regionId}/replay`;
  return {
    postParcels: (regionId, body) =>
      ask({
        ...{ method: "POST", path: pathOf(regionId), body },
        readAnswer: jsonAnswer(replayedAnswerSchema),
      }),
    readReplay: (regionId) =>
      ask({
        ...{ method: "GET", path: pathOf(regionId) },
        readAnswer: jsonAnswer(replaySummaryAnswerSchema),
      }),
  };
}
