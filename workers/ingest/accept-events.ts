/** From what a client sent to what the outbox keeps: each event is checked, its people hashed, its bytes packed. */
import type { BatchPacker } from "../../contract/event-batch.ts";
import {
  eventFieldErrors,
  eventSchema,
  MAX_AHEAD_MS,
  MAX_METADATA_BYTES,
  type ParsedEvent,
  type RejectedEvent,
} from "../../contract/events.ts";
import { instantText } from "../../contract/names.ts";
import type { FieldError, Problem } from "../../contract/problem.ts";
import type { DemandEvent } from "../../domain/event.ts";
import type { EpochMs, RegionId } from "../../domain/units.ts";
import { type EventCandidates, MalformedLine } from "./event-candidates.ts";
import type { IdHashes } from "./id-hashes.ts";
import { ordinaryEvent } from "./ordinary-event.ts";

export interface AcceptanceRules {
  regions: ReadonlySet<RegionId>;
  /** Event clock. */
  now: EpochMs;
  hashes: IdHashes;
}

export interface Acceptance {
  accepted: number;
  rejected: RejectedEvent[];
}

type Rejection = Omit<RejectedEvent, "index">;

/** Checks every candidate and leaves those that pass in `packer`. Never throws on what a client can send. */
export function acceptEvents(
  { events }: EventCandidates,
  rules: AcceptanceRules,
  packer: BatchPacker,
): Acceptance {
  const rejected: RejectedEvent[] = [];
  for (const [index, candidate] of events.entries()) {
    const event = demandEvent(candidate, rules);
    if ("type" in event) rejected.push({ index, ...event });
    else packer.add(event);
  }
  return { accepted: events.length - rejected.length, rejected };
}

/** The problem of a request none of whose events was accepted: every bad field with its path from the body's root. */
export function nothingAccepted({ isSingle }: EventCandidates, rejected: RejectedEvent[]): Problem {
  const errors = rejected.flatMap(({ index, detail, errors: fields }): FieldError[] => {
    const root = isSingle ? "" : `events[${index}]`;
    if (!fields) return [{ path: root, detail }];
    return fields.map((field) => ({ path: joined(root, field.path), detail: field.detail }));
  });
  return { type: "invalid_events", errors: errors.slice(0, MAX_ERRORS) };
}

const MAX_ERRORS = 50;

function joined(root: string, path: string): string {
  return root === "" || path === "" ? root + path : `${root}.${path}`;
}

function demandEvent(candidate: unknown, rules: AcceptanceRules): DemandEvent | Rejection {
  if (candidate instanceof MalformedLine) {
    return { type: "invalid_event", detail: candidate.detail };
  }
  let parsed = ordinaryEvent(candidate);
  if (!parsed) {
    const verdict = eventSchema.safeParse(candidate);
    if (!verdict.success) {
      const detail = "The event does not fit its schema.";
      return { type: "invalid_event", detail, errors: eventFieldErrors(candidate, verdict.error) };
    }
    parsed = verdict.data;
  }
  const { region_id: regionId, timestamp } = parsed;
  if (!rules.regions.has(regionId)) {
    return rejection("unknown_region", "region_id", `There is no region "${regionId}".`);
  }
  if (timestamp > rules.now + MAX_AHEAD_MS) {
    const now = instantText(rules.now);
    const detail = `The time lies more than ${MAX_AHEAD_MS / 60_000} minutes ahead of ${now}.`;
    return rejection("timestamp_ahead", "timestamp", detail);
  }
  const personId = personOf(parsed);
  const person = personId === undefined ? NOBODY : rules.hashes.ofPerson(personId);
  const metadata = metadataText(parsed, person);
  // UTF-8 takes at most three bytes a UTF-16 unit.
  if (metadata.length * 3 > MAX_METADATA_BYTES) {
    const bytes = Buffer.byteLength(metadata);
    if (bytes > MAX_METADATA_BYTES) {
      const detail = `The metadata has ${bytes} bytes as JSON; ${MAX_METADATA_BYTES} are allowed.`;
      return rejection("invalid_event", "metadata", detail);
    }
  }
  const key = rules.hashes.ofKey(parsed.idempotency_key);
  return {
    eventType: parsed.event_type,
    regionId,
    occurredAt: timestamp,
    keyHigh: key.high,
    keyLow: key.low,
    userHigh: person.high,
    userLow: person.low,
    productType: parsed.product_type ?? null,
    quantity: parsed.quantity,
    metadata,
  };
}

const NOBODY = { high: 0, low: 0 };

function rejection(type: Rejection["type"], path: string, detail: string): Rejection {
  return { type, detail, errors: [{ path, detail }] };
}

/** Whom an event is about: the driver of a driver_location, else the user. */
function personOf(event: ParsedEvent): string | undefined {
  return event.event_type === "driver_location" ? event.metadata.driver_id : event.user_id;
}

/** The metadata as it is kept, `""` for none: a driver stands in it as a hash. */
function metadataText(event: ParsedEvent, person: { high: number; low: number }): string {
  if (event.event_type === "driver_location") {
    return JSON.stringify({ ...event.metadata, driver_id: hexOf(person.high) + hexOf(person.low) });
  }
  for (const _ in event.metadata) return JSON.stringify(event.metadata);
  return "";
}

function hexOf(half: number): string {
  return half.toString(16).padStart(8, "0");
}
