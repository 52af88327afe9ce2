/** POST /api/v1/events, from the request to its answer. */
import { mediaTypeOf, readBytes } from "../../contract/body.ts";
import { type BatchPacker, MAX_BATCH_BYTES } from "../../contract/event-batch.ts";
import { type EventsAnswer, MAX_EVENTS_BODY_BYTES } from "../../contract/events.ts";
import type { Problem } from "../../contract/problem.ts";
import type { EpochMs, RegionId } from "../../domain/units.ts";
import { acceptEvents, nothingAccepted } from "./accept-events.ts";
import { EVENT_MEDIA_TYPES, eventCandidates } from "./event-candidates.ts";
import type { IdHashes } from "./id-hashes.ts";
import type { IngestMetrics } from "./ingest-metrics.ts";
import type { AppendBatch } from "./outbox-shards.ts";

export interface PostEventsDeps {
  /** Null when the regions never could be read. */
  regions(): Promise<ReadonlySet<RegionId> | null>;
  eventNow(): EpochMs;
  wallNow(): number;
  hashes: IdHashes;
  packer: BatchPacker;
  append: AppendBatch;
  metrics: IngestMetrics;
}

// `request.text()` would log a warning for each body of NDJSON, which it does not take for text.
const decoder = new TextDecoder();
const RETRY_WHEN_FULL_S = 5;
const RETRY_WHEN_UNREACHABLE_S = 1;

/** The answer to a request that may post events, or the problem it is. */
export async function postEvents(
  request: Request,
  deps: PostEventsDeps,
): Promise<EventsAnswer | Problem> {
  const given = mediaTypeOf(request.headers.get("content-type"));
  const mediaType = EVENT_MEDIA_TYPES.find((name) => name === given);
  if (!mediaType) {
    const detail = `Send ${EVENT_MEDIA_TYPES.join(" or ")}, not "${given}".`;
    return { type: "unsupported_media_type", detail };
  }
  const regions = await deps.regions();
  if (!regions) {
    const detail = "The list of regions cannot be read.";
    return { type: "unavailable", detail, retryAfterS: RETRY_WHEN_UNREACHABLE_S };
  }
  const body = await readBytes(request, MAX_EVENTS_BODY_BYTES);
  if (!(body instanceof Uint8Array)) return body;
  const candidates = eventCandidates(decoder.decode(body), mediaType);
  if ("type" in candidates) return candidates;

  // From here to the finished batch nothing is awaited, so requests cannot meet in the packer.
  const now = deps.eventNow();
  const { hashes, packer, metrics } = deps;
  packer.clear();
  const { accepted, rejected } = acceptEvents(candidates, { regions, now, hashes }, packer);
  for (const { type } of rejected) metrics.rejected(type);
  if (accepted === 0) return nothingAccepted(candidates, rejected);
  const batch = packer.finish(now);
  if (batch.byteLength > MAX_BATCH_BYTES) {
    return {
      type: "body_too_large",
      detail: "The events' metadata is too large; send fewer at once.",
    };
  }

  const startedAt = deps.wallNow();
  const outcome = await deps.append(batch);
  metrics.appended((deps.wallNow() - startedAt) / 1_000);
  if (outcome === "full") {
    const detail = "More events wait than may be kept; nothing of this request was.";
    return { type: "overloaded", detail, retryAfterS: RETRY_WHEN_FULL_S };
  }
  if (outcome === "unreachable") {
    const detail = "The events could not be stored; sending them again counts none twice.";
    return { type: "unavailable", detail, retryAfterS: RETRY_WHEN_UNREACHABLE_S };
  }
  metrics.accepted(accepted);
  return { accepted, rejected };
}
