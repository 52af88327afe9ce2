import { fromBinary } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { MAX_EVENTS_PER_REQUEST } from "../../../contract/events.ts";
import { messageOf } from "../../../contract/log.ts";
import { instantText } from "../../../contract/names.ts";
import type { Problem } from "../../../contract/problem.ts";
import { type Event, EventSchema } from "../../../contract/schemas/generated/events_pb.js";
import {
  countedCandidates,
  type EventCandidates,
  tooManyEvents,
  UnreadableEvent,
} from "../event-candidates.ts";
import type { EventFormat } from "./event-format.ts";

/** The message EventBatch of contract/schemas/events.proto. Fields it does not know are ignored, as Protobuf has it. */
export const protobuf: EventFormat = {
  name: "protobuf",
  mediaTypes: ["application/x-protobuf", "application/protobuf"],
  read(body) {
    try {
      return eventsIn(new BinaryReader(body));
    } catch (error) {
      // The reader throws plain errors, and nothing else is called that could.
      return { type: "malformed_body", detail: `The body is no EventBatch: ${messageOf(error)}` };
    }
  },
};

/** Event for event, not the batch as one message: half a million empty events fit into a body, and would all be made. */
function eventsIn(reader: BinaryReader): EventCandidates | Problem {
  const events: unknown[] = [];
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field !== EVENTS_FIELD || wireType !== WireType.LengthDelimited) {
      reader.skip(wireType, field);
      continue;
    }
    if (events.length === MAX_EVENTS_PER_REQUEST) return tooManyEvents();
    const message = reader.bytes();
    events.push(candidateFrom(message));
  }
  return countedCandidates({ events, isSingle: false });
}

const EVENTS_FIELD = 1;
/** Levels of messages: three for each level of metadata. */
const READ_OPTIONS = { readUnknownFields: false, recursionLimit: 100 };

function candidateFrom(message: Uint8Array): unknown {
  let event: Event;
  try {
    event = fromBinary(EventSchema, message, READ_OPTIONS);
  } catch (error) {
    return new UnreadableEvent(`The event is no Event message: ${messageOf(error)}`);
  }
  const { timestamp, userId, productType, quantity, metadata } = event;
  const at = timestamp && Number(timestamp.seconds) * 1_000 + Math.floor(timestamp.nanos / 1e6);
  if (at !== undefined && !(at >= MIN_AT && at <= MAX_AT)) {
    const detail = "The time lies outside of the years 0001 to 9999.";
    return new UnreadableEvent(detail, [{ path: "timestamp", detail }]);
  }
  return {
    // Protobuf does not tell an empty text from none.
    ...(event.eventType !== "" && { event_type: event.eventType }),
    ...(event.regionId !== "" && { region_id: event.regionId }),
    ...(event.idempotencyKey !== "" && { idempotency_key: event.idempotencyKey }),
    ...(at !== undefined && { timestamp: instantText(at) }),
    ...(userId !== undefined && { user_id: userId }),
    ...(productType !== undefined && { product_type: productType }),
    ...(quantity !== undefined && { quantity }),
    ...(metadata !== undefined && { metadata }),
  };
}

/** What google.protobuf.Timestamp may hold, which is also what RFC 3339 can write. */
const MIN_AT = Date.parse("0001-01-01T00:00:00Z");
const MAX_AT = Date.parse("9999-12-31T23:59:59.999Z");
