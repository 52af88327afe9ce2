import { SCHEMA_SOURCES } from "../../../contract/schemas/generated/schema-sources.ts";
import { AvroInput } from "./avro-input.ts";
import { avroProblem } from "./avro-problem.ts";
import { eventReaderFor, SchemaMismatch } from "./avro-schema.ts";
import type { EventFormat } from "./event-format.ts";

const MARKER = "c301";

/**
 * CRC-64-AVRO of the parsing canonical form of event.avsc, its bytes in the order they are sent. A test computes it anew: when
 * event.avsc changes, the new fingerprint comes here and the old one stays, with the schema it stands for.
 */
export const EVENT_FINGERPRINT = "81c0962495b87f4b";

const READERS = new Map([
  [EVENT_FINGERPRINT, eventReaderFor(JSON.parse(SCHEMA_SOURCES["event.avsc"]))],
]);

/** Avro's single-object encoding: a marker, the fingerprint of the writer's schema, one event. */
export const avroSingleObject: EventFormat = {
  name: "avro-single",
  mediaTypes: ["avro/binary", "application/vnd.apache.avro+binary"],
  read(body) {
    try {
      const input = new AvroInput(body);
      const marker = Buffer.from(input.fixed(2)).toString("hex");
      if (marker !== MARKER) throw new RangeError(`it begins with ${marker}, not with ${MARKER}`);
      const fingerprint = Buffer.from(input.fixed(8)).toString("hex");
      const read = READERS.get(fingerprint);
      if (!read) {
        const known = [...READERS.keys()].join(", ");
        throw new SchemaMismatch(`Its fingerprint is ${fingerprint}; known: ${known}.`);
      }
      const event = read(input);
      if (!input.isAtEnd) throw new RangeError("there are bytes behind the event");
      return { events: [event], isSingle: true };
    } catch (error) {
      return avroProblem(error);
    }
  },
};
