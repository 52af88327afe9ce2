/**
 * From a CloudEvent to an event: what the envelope says fills in what its data does not say itself.
 *
 *     type -> event_type | subject -> region_id | time -> timestamp | source and id -> idempotency_key
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import {
  CLOUD_EVENT_TYPE_PREFIX,
  type CloudEvent,
  cloudEventSchema,
} from "../../../contract/cloud-events.ts";
import { type FieldError, fieldErrorsFrom, type Problem } from "../../../contract/problem.ts";
import { UnreadableEvent } from "../event-candidates.ts";
import type { EventFormat, InflationRoom } from "./event-format.ts";

/** The data of an envelope, or what keeps it from being read. */
export type CloudEventData = { fields: object } | { fault: FieldError };

/** The event of an envelope: a candidate, or UnreadableEvent for an envelope that is no CloudEvent. */
export function eventFromCloudEvent(
  envelope: unknown,
  dataOf: (envelope: CloudEvent) => CloudEventData,
): unknown {
  const verdict = cloudEventSchema.safeParse(envelope);
  if (!verdict.success) {
    return new UnreadableEvent(
      "The envelope is no CloudEvent 1.0.",
      fieldErrorsFrom(verdict.error),
    );
  }
  const { id, source, type, subject, time } = verdict.data;
  const data = dataOf(verdict.data);
  if ("fault" in data) return new UnreadableEvent(data.fault.detail, [data.fault]);
  return {
    event_type: type.startsWith(CLOUD_EVENT_TYPE_PREFIX)
      ? type.slice(CLOUD_EVENT_TYPE_PREFIX.length)
      : type,
    ...(subject != null && { region_id: subject }),
    ...(time != null && { timestamp: time }),
    idempotency_key: keyOf(source, id),
    ...data.fields,
  };
}

/** The one event that bytes hold as data of an envelope; all envelopes of a body share its `room`. */
export function dataFrom(
  format: EventFormat,
  bytes: Uint8Array,
  room?: InflationRoom,
): CloudEventData {
  const candidates = format.read(bytes, room);
  if ("type" in candidates) return faultyData(`The data cannot be read. ${detailOf(candidates)}`);
  const { events } = candidates;
  if (events.length !== 1) return faultyData(`The data holds ${events.length} events, not one.`);
  return dataFields(events[0]);
}

/** A value as data of an envelope; none at all is no fields. */
export function dataFields(value: unknown): CloudEventData {
  if (value === undefined || value === null) return { fields: {} };
  if (value instanceof UnreadableEvent) return faultyData(value.rejection.detail);
  if (typeof value === "object" && !Array.isArray(value)) return { fields: value };
  return faultyData("The data is no object with fields of an event.");
}

export function faultyData(detail: string): CloudEventData {
  return { fault: { path: "data", detail } };
}

function detailOf({ detail, type }: Problem): string {
  return detail ?? type;
}

const MAX_KEY_LENGTH = 128;

/** CloudEvents are one and the same when source and id are. A source has no space, so no two pairs are one text. */
function keyOf(source: string, id: string): string {
  const key = `${source} ${id}`;
  return key.length <= MAX_KEY_LENGTH ? key : `sha256:${bytesToHex(sha256(utf8ToBytes(key)))}`;
}
