/** From what a client sent to what the outbox keeps: each event is checked, its people hashed, its bytes packed. */
import type { BatchPacker } from "../../contract/event-batch.ts";
import {
  type EventRejection,
  eventFieldErrors,
  eventSchema,
  MAX_METADATA_BYTES,
  type ParsedEvent,
  type RejectedEvent,
} from "../../contract/events.ts";
import { instantText } from "../../contract/names.ts";
import type { EventFields } from "../../contract/packed-events.ts";
import type { FieldError, Problem } from "../../contract/problem.ts";
import { occurredAtFrom } from "../../domain/device-clock.ts";
import type { DemandEvent } from "../../domain/event.ts";
import type { EpochMs, RegionId } from "../../domain/units.ts";
import { type EventCandidates, UnreadableEvent } from "./event-candidates.ts";
import type { IdHashes } from "./id-hashes.ts";
import { metadataFault } from "./metadata-fault.ts";
import { ordinaryEvent } from "./ordinary-event.ts";

export interface AcceptanceRules {
  regions: ReadonlySet<RegionId>;
  /** Event clock. */
  now: EpochMs;
  /** How far a device's clock may run ahead; what it says then counts as now. */
  clockClampMs: number;
  hashes: IdHashes;
  /** Asked last, of an event that nothing else is wrong with: the scope or limit that keeps it out, or null. Keep no reference to it. */
  refuse(event: EventFields): EventRejection | null;
}

export interface Acceptance {
  accepted: number;
  /** Those of the accepted whose device's clock runs ahead. */
  clamped: number;
  rejected: RejectedEvent[];
  /** True when the body was one bare event: its fields are then named without `events[0]`. */
  isSingle: boolean;
}

/** Checks every candidate and leaves those that pass in `packer`. Never throws on what a client can send. */
export function acceptEvents(
  { events, isSingle }: EventCandidates,
  rules: AcceptanceRules,
  packer: BatchPacker,
): Acceptance {
  const acceptance: Acceptance = { accepted: 0, clamped: 0, rejected: [], isSingle };
  for (const [index, candidate] of events.entries()) {
    const rejection = acceptOne(candidate, rules, packer, acceptance);
    if (rejection) acceptance.rejected.push({ index, ...rejection });
  }
  return acceptance;
}

/** Packs and counts one candidate, or says what is wrong with it. */
export function acceptOne(
  candidate: unknown,
  rules: AcceptanceRules,
  packer: BatchPacker,
  acceptance: Acceptance,
): EventRejection | null {
  const parsed = parsedEvent(candidate);
  if ("type" in parsed) return parsed;
  const event = demandEvent(parsed, rules);
  if ("type" in event) return event;
  const refusal = rules.refuse(event);
  if (refusal) return refusal;
  packer.add(event);
  acceptance.accepted++;
  if (parsed.timestamp > rules.now) acceptance.clamped++;
  return null;
}

/** The problem of a request none of whose events was accepted: every bad field with its path from the body's root. */
export function nothingAccepted({ isSingle, rejected }: Acceptance): Problem {
  const errors = rejected.flatMap(({ index, detail, errors: fields }): FieldError[] => {
    const root = isSingle ? "" : `events[${index}]`;
    if (!fields) return [{ path: root, detail }];
    return fields.map((field) => ({ path: joined(root, field.path), detail: field.detail }));
  });
  const isOutside =
    rejected.length > 0 && rejected.every(({ type }) => type === "forbidden_region");
  const type = isOutside ? "forbidden_region" : "invalid_events";
  return { type, errors: errors.slice(0, MAX_ERRORS) };
}

const MAX_ERRORS = 50;

function joined(root: string, path: string): string {
  return root === "" || path === "" ? root + path : `${root}.${path}`;
}

function parsedEvent(candidate: unknown): ParsedEvent | EventRejection {
  if (candidate instanceof UnreadableEvent) return candidate.rejection;
  const fault = metadataFault(metadataOf(candidate));
  if (fault) {
    return { type: "invalid_event", detail: "The metadata cannot be kept.", errors: [fault] };
  }
  const ordinary = ordinaryEvent(candidate);
  if (ordinary) return ordinary;
  const verdict = eventSchema.safeParse(candidate);
  if (verdict.success) return verdict.data;
  const detail = "The event does not fit its schema.";
  return { type: "invalid_event", detail, errors: eventFieldErrors(candidate, verdict.error) };
}

function metadataOf(candidate: unknown): unknown {
  return typeof candidate === "object" && candidate !== null && "metadata" in candidate
    ? candidate.metadata
    : undefined;
}

function demandEvent(parsed: ParsedEvent, rules: AcceptanceRules): DemandEvent | EventRejection {
  const { region_id: regionId, timestamp } = parsed;
  if (!rules.regions.has(regionId)) {
    return rejection("unknown_region", "region_id", `There is no region "${regionId}".`);
  }
  const occurredAt = occurredAtFrom(timestamp, rules.now, rules.clockClampMs);
  if (occurredAt === null) {
    const lead = `${rules.clockClampMs / 1_000} s`;
    const detail = `The time lies more than ${lead} ahead of ${instantText(rules.now)}.`;
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
    occurredAt,
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

function rejection(type: EventRejection["type"], path: string, detail: string): EventRejection {
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
