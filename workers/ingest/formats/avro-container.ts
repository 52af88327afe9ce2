import { decodedContent } from "../../../contract/content-coding.ts";
import { MAX_EVENTS_BODY_BYTES, MAX_EVENTS_PER_REQUEST } from "../../../contract/events.ts";
import type { Problem } from "../../../contract/problem.ts";
import { countedCandidates, type EventCandidates, tooManyEvents } from "../event-candidates.ts";
import { AvroInput } from "./avro-input.ts";
import { avroProblem } from "./avro-problem.ts";
import { eventReaderFor, SchemaMismatch } from "./avro-schema.ts";
import type { EventFormat, InflationRoom } from "./event-format.ts";

/** An Avro object container file: a header with the writer's schema, then blocks of events, plain or deflated. */
export const avroContainer: EventFormat = {
  name: "avro",
  mediaTypes: ["application/avro"],
  read(body, room = { bytes: MAX_EVENTS_BODY_BYTES }) {
    try {
      return eventsIn(new AvroInput(body), room);
    } catch (error) {
      return avroProblem(error);
    }
  },
};

const MAGIC = [0x4f, 0x62, 0x6a, 1];
const SYNC_BYTES = 16;
const latin1 = new TextDecoder("latin1");

function eventsIn(input: AvroInput, room: InflationRoom): EventCandidates | Problem {
  const magic = input.fixed(MAGIC.length);
  if (!MAGIC.every((byte, i) => magic[i] === byte)) {
    throw new RangeError("it does not begin as an object container file");
  }
  const header = headerOf(input);
  const read = eventReaderFor(parsedSchema(header.get("avro.schema")));
  const codec = latin1.decode(header.get("avro.codec") ?? new Uint8Array()) || "null";
  if (codec !== "null" && codec !== "deflate") {
    throw new SchemaMismatch(`Its codec is ${codec.slice(0, 20)}; null and deflate are read.`);
  }
  const sync = input.fixed(SYNC_BYTES);

  const events: unknown[] = [];
  while (!input.isAtEnd) {
    const count = input.long();
    if (count < 0) throw new RangeError(`a block has ${count} events`);
    if (count + events.length > MAX_EVENTS_PER_REQUEST) return tooManyEvents();
    const packed = input.bytes();
    // Blocks without events are not looked into: fifty thousand of them fit into a body.
    if (count > 0) {
      const bytes = codec === "null" ? packed : inflated(packed, room);
      if (!(bytes instanceof Uint8Array)) return bytes;
      const block = new AvroInput(bytes);
      for (let i = 0; i < count; i++) events.push(read(block));
      if (!block.isAtEnd) throw new RangeError("a block is longer than its events");
    }
    if (!isEqual(input.fixed(SYNC_BYTES), sync)) {
      throw new RangeError("a block does not end with the file's marker");
    }
  }
  return countedCandidates({ events, isSingle: false });
}

function inflated(packed: Uint8Array, room: InflationRoom): Uint8Array | Problem {
  const bytes = decodedContent(packed, "deflate-raw", Math.max(1, room.bytes));
  room.bytes -= bytes instanceof Uint8Array ? bytes.byteLength : room.bytes;
  return bytes;
}

/** The file's metadata: a map of bytes. */
function headerOf(input: AvroInput): Map<string, Uint8Array> {
  const header = new Map<string, Uint8Array>();
  for (let left = input.long(); left !== 0; left = input.long()) {
    if (left < 0) input.length();
    for (let n = Math.abs(left); n > 0; n--) header.set(input.string(), input.bytes());
  }
  return header;
}

function parsedSchema(bytes: Uint8Array | undefined): unknown {
  if (!bytes) throw new SchemaMismatch("The file has no schema.");
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    if (error instanceof SyntaxError) throw new SchemaMismatch("The schema is not JSON.");
    throw error;
  }
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.every((byte, i) => b[i] === byte);
}
