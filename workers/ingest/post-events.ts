/** POST /api/v1/events, from the request to its answer. */
import type { Refusal } from "../../contract/admit.ts";
import { readBytes } from "../../contract/body.ts";
import {
  ACCEPTED_CODINGS,
  contentCodingOf,
  decodedContent,
} from "../../contract/content-coding.ts";
import { type BatchPacker, MAX_BATCH_BYTES } from "../../contract/event-batch.ts";
import { type EventsAnswer, MAX_EVENTS_BODY_BYTES } from "../../contract/events.ts";
import type { Problem } from "../../contract/problem.ts";
import type { EpochMs, RegionId } from "../../domain/units.ts";
import { acceptEvents, nothingAccepted } from "./accept-events.ts";
import { chooseFormat } from "./formats/choose-format.ts";
import type { EventFormat } from "./formats/event-format.ts";
import { json } from "./formats/json.ts";
import type { IdHashes } from "./id-hashes.ts";
import type { IngestMetrics } from "./ingest-metrics.ts";
import type { EventLimits } from "./limits/event-limits.ts";
import type { OrdinaryBodies } from "./ordinary-bodies.ts";
import type { AppendBatch } from "./outbox-shards.ts";
import type { RefuseEvent } from "./refuse-event.ts";

export interface PostEventsDeps {
  /** Null when the regions never could be read. */
  regions(): Promise<ReadonlySet<RegionId> | null>;
  eventNow(): EpochMs;
  clockClampMs: number;
  wallNow(): number;
  hashes: IdHashes;
  limits: EventLimits;
  refuse: RefuseEvent;
  packer: BatchPacker;
  ordinaryBodies: OrdinaryBodies;
  append: AppendBatch;
  metrics: IngestMetrics;
}

const RETRY_WHEN_FULL_S = 5;
const RETRY_WHEN_UNREACHABLE_S = 1;

/** The answer to a request that may post events, or why it is none. */
export async function postEvents(
  request: Request,
  deps: PostEventsDeps,
): Promise<EventsAnswer | Problem | Refusal> {
  const { headers } = request;
  const format = chooseFormat(headers);
  if ("problem" in format) return format;
  const coding = contentCodingOf(headers.get("content-encoding"));
  if (!coding) return codingRefusal(headers.get("content-encoding") ?? "");
  const regions = await deps.regions();
  if (!regions) {
    const detail = "The list of regions cannot be read.";
    return { type: "unavailable", detail, retryAfterS: RETRY_WHEN_UNREACHABLE_S };
  }
  const sent = await readBytes(request, MAX_EVENTS_BODY_BYTES);
  if (!(sent instanceof Uint8Array)) return sent;
  const body = decodedContent(sent, coding, MAX_EVENTS_BODY_BYTES);
  if (!(body instanceof Uint8Array)) return body;
  deps.metrics.read(format.name, sent.byteLength, body.byteLength);
  return acceptBody(format, body, regions, deps);
}

/** Checks, packs and stores the events of a body. */
async function acceptBody(
  format: EventFormat,
  body: Uint8Array,
  regions: ReadonlySet<RegionId>,
  deps: PostEventsDeps,
): Promise<EventsAnswer | Problem | Refusal> {
  // From here to the finished batch nothing is awaited, so requests cannot meet in the packer.
  const now = deps.eventNow();
  const { clockClampMs, hashes, limits, refuse, packer, metrics } = deps;
  const rules = { regions, now, clockClampMs, hashes, refuse };
  packer.clear();
  let acceptance = format === json ? deps.ordinaryBodies.accept(body, rules, packer) : null;
  if (!acceptance) {
    packer.clear();
    limits.undo();
    const candidates = format.read(body);
    if ("type" in candidates) return candidates;
    acceptance = acceptEvents(candidates, rules, packer);
  }
  const { accepted, rejected } = acceptance;
  if (limits.isShort) {
    await limits.provide();
    return acceptBody(format, body, regions, deps);
  }
  const refusal = limits.finish(accepted);
  metrics.rejected(format.name, rejected);
  if (refusal) return refusal;
  if (accepted === 0) return nothingAccepted(acceptance);
  const batch = packer.finish(now);
  if (batch.byteLength > MAX_BATCH_BYTES) {
    const detail = "The events' metadata is too large; send fewer at once.";
    return { type: "body_too_large", detail };
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
  metrics.accepted(format.name, acceptance);
  return { accepted, rejected };
}

function codingRefusal(given: string): Refusal {
  const detail = `The content encoding "${given}" is not read here. Send one of: ${ACCEPTED_CODINGS}.`;
  return {
    problem: { type: "unsupported_content_coding", detail },
    headers: { "accept-encoding": ACCEPTED_CODINGS },
  };
}
