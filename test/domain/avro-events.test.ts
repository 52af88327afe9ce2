/** Avro as the avsc package writes it, read by the readers of ingest. Node runs this: avsc makes code at run time. */
import avsc from "avsc";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SCHEMA_SOURCES } from "../../contract/schemas/generated/schema-sources.ts";
import { UnreadableEvent } from "../../workers/ingest/event-candidates.ts";
import { avroContainer } from "../../workers/ingest/formats/avro-container.ts";
import { AvroInput } from "../../workers/ingest/formats/avro-input.ts";
import { eventReaderFor, SchemaMismatch } from "../../workers/ingest/formats/avro-schema.ts";
import {
  avroSingleObject,
  EVENT_FINGERPRINT,
} from "../../workers/ingest/formats/avro-single-object.ts";

const SCHEMA = JSON.parse(SCHEMA_SOURCES["event.avsc"]);
const TYPE = avsc.Type.forSchema(SCHEMA, { wrapUnions: false });

interface AvroEvent {
  event_type: string;
  region_id: string;
  timestamp: number;
  idempotency_key: string;
  user_id: string | null;
  product_type: string | null;
  quantity: number;
  metadata: Record<string, unknown>;
}

const text = fc.string({ unit: "grapheme", maxLength: 30 });
const scalar = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  text,
);
const event: fc.Arbitrary<AvroEvent> = fc.record({
  event_type: text,
  region_id: text,
  timestamp: fc.integer({
    min: Date.parse("0001-01-01T00:00:00Z"),
    max: Date.parse("9999-12-31T23:59:59.999Z"),
  }),
  idempotency_key: text,
  user_id: fc.option(text),
  product_type: fc.option(text),
  quantity: fc.integer(),
  metadata: fc.dictionary(
    text.filter((name) => name !== "__proto__"),
    scalar,
    { maxKeys: 8 },
  ),
});

/** What JSON would say: nulls are left out, the time is RFC 3339. */
function asJson({ timestamp, user_id, product_type, ...rest }: AvroEvent): Record<string, unknown> {
  return {
    ...rest,
    timestamp: new Date(timestamp).toISOString(),
    ...(user_id !== null && { user_id }),
    ...(product_type !== null && { product_type }),
  };
}

function containerOf(
  type: avsc.Type,
  events: readonly unknown[],
  codec: string,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const encoder = new avsc.streams.BlockEncoder(type, { codec, blockSize: 200 });
    const parts: Buffer[] = [];
    encoder.on("data", (part: Buffer) => parts.push(part));
    encoder.on("error", reject);
    encoder.on("end", () => resolve(Buffer.concat(parts)));
    for (const one of events) encoder.write(one);
    encoder.end();
  });
}

describe("Avro object container files", () => {
  it.each(["null", "deflate"])("are read as avsc wrote them, with the codec %s", async (codec) => {
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 20 }), async (events) => {
        const read = avroContainer.read(await containerOf(TYPE, events, codec));
        expect(read).toEqual({ events: events.map(asJson), isSingle: false });
      }),
      { numRuns: 200 },
    );
  });

  it("are refused with a codec that is not read, and with too many events", async () => {
    const events = fc.sample(event, 1);
    const snappy = avroContainer.read(
      Buffer.from(
        (await containerOf(TYPE, events, "null")).toString().replace("null", "lz4x"),
        "latin1",
      ),
    );
    expect(snappy).toMatchObject({ type: "malformed_body" });
    const many = Array.from({ length: 501 }, () => events[0]);
    expect(avroContainer.read(await containerOf(TYPE, many, "null"))).toMatchObject({
      type: "too_many_events",
    });
  });

  it("cost nothing for what they only announce", () => {
    // Three billion events of a record without fields, and a string of two gigabytes.
    const header = (schema: object) => {
      const json = JSON.stringify(schema);
      const map = avsc.Type.forSchema({ type: "map", values: "bytes" });
      return Buffer.concat([
        Buffer.from("Obj\u0001", "latin1"),
        map.toBuffer({ "avro.schema": Buffer.from(json) }),
        Buffer.alloc(16),
      ]);
    };
    const long = (value: number) => avsc.Type.forSchema("long").toBuffer(value);
    const empty = { type: "record", name: "Event", fields: [] };
    const announced = Buffer.concat([header(empty), long(3e9), long(0), Buffer.alloc(16)]);
    expect(avroContainer.read(announced)).toMatchObject({ type: "too_many_events" });
    const one = { type: "record", name: "Event", fields: [{ name: "user_id", type: "string" }] };
    const short = Buffer.concat([header(one), long(1), long(5), long(2e9), Buffer.alloc(16)]);
    expect(avroContainer.read(short)).toMatchObject({ type: "malformed_body" });
  });
});

describe("Avro's single-object encoding", () => {
  it("is read as avsc wrote the event", () => {
    fc.assert(
      fc.property(event, (one) => {
        const body = Buffer.concat([
          Buffer.from(`c301${EVENT_FINGERPRINT}`, "hex"),
          TYPE.toBuffer(one),
        ]);
        expect(avroSingleObject.read(body)).toEqual({ events: [asJson(one)], isSingle: true });
      }),
    );
  });

  it("knows event.avsc by its fingerprint", () => {
    expect(fingerprintOf('"int"')).toBe("8f5c393f1ad57572");
    expect(fingerprintOf(JSON.stringify(TYPE.schema()))).toBe(EVENT_FINGERPRINT);
  });

  it("refuses another fingerprint, another marker, and bytes behind the event", () => {
    const [one] = fc.sample(event, 1);
    const right = Buffer.concat([
      Buffer.from(`c301${EVENT_FINGERPRINT}`, "hex"),
      TYPE.toBuffer(one),
    ]);
    for (const at of [0, 5]) {
      const wrong = Buffer.from(right);
      wrong[at] = (wrong[at] ?? 0) ^ 1;
      expect(avroSingleObject.read(wrong)).toMatchObject({ type: "malformed_body" });
    }
    expect(avroSingleObject.read(Buffer.concat([right, Buffer.of(0)]))).toMatchObject({
      type: "malformed_body",
    });
  });
});

describe("eventReaderFor()", () => {
  const fields = SCHEMA.fields as { name: string; type: unknown }[];
  const named = (name: string, type: unknown) => ({ name, type });
  const recordOf = (parts: unknown[]) => ({
    type: "record",
    name: "other.space.Event",
    fields: parts,
  });
  const readBy = (schema: object, value: object) => {
    const written = avsc.Type.forSchema(schema as avsc.Schema, { wrapUnions: false }).toBuffer(
      value,
    );
    return eventReaderFor(schema)(new AvroInput(written));
  };

  it("reads fields in any order, and any of them left out", () => {
    const schemas = fc.shuffledSubarray(fields);
    fc.assert(
      fc.property(event, schemas, (one, parts) => {
        const json = asJson(one);
        const expected = parts.flatMap(({ name }) => (name in json ? [[name, json[name]]] : []));
        expect(readBy(recordOf(parts), one)).toEqual(Object.fromEntries(expected));
      }),
    );
  });

  it("reads what Avro promotes, and null of what may be null", () => {
    const schema = recordOf([
      named("user_id", "bytes"),
      named("product_type", ["string", "null"]),
      named("quantity", ["null", "long"]),
      named("timestamp", { type: "long", logicalType: "timestamp-micros" }),
      named("metadata", ["null", { type: "map", values: "float" }]),
    ]);
    const value = {
      user_id: Buffer.from("ann"),
      product_type: null,
      quantity: 7,
      timestamp: 1_768_127_400_123_456,
      metadata: { a: 0.5 },
    };
    expect(readBy(schema, value)).toEqual({
      user_id: "ann",
      quantity: 7,
      timestamp: "2026-01-11T10:30:00.123Z",
      metadata: { a: 0.5 },
    });
  });

  const values: [name: string, part: { name: string; type: unknown }, value: object][] = [
    ["NaN", named("metadata", { type: "map", values: "double" }), { metadata: { a: Number.NaN } }],
    [
      "an infinity",
      named("metadata", { type: "map", values: "float" }),
      { metadata: { a: Number.POSITIVE_INFINITY } },
    ],
    ["a time after the year 9999", named("timestamp", "long"), { timestamp: 1e15 }],
    ["bytes that are no text", named("user_id", "bytes"), { user_id: Buffer.of(0xff) }],
  ];
  it.each(values)("takes %s for an event that cannot be read, and reads on", (_, part, value) => {
    const schema = recordOf([part]);
    expect(readBy(schema, value)).toBeInstanceOf(UnreadableEvent);
  });

  it("takes a long beyond 2^53 for an event that cannot be read", () => {
    // {"a": 2^60}, which avsc does not write.
    const map = Buffer.from("02026180808080808080802000", "hex");
    const schema = recordOf([named("metadata", { type: "map", values: "long" })]);
    const input = new AvroInput(map);
    expect(eventReaderFor(schema)(input)).toBeInstanceOf(UnreadableEvent);
    expect(input.isAtEnd).toBe(true);
  });

  const mismatches: [name: string, schema: unknown][] = [
    ["no record", "string"],
    ["a record of another name", { type: "record", name: "Order", fields: [] }],
    ["a field that events do not have", recordOf([named("colour", "string")])],
    ["a field twice", recordOf([named("user_id", "string"), named("user_id", "string")])],
    ["a field of another type", recordOf([named("region_id", "long")])],
    ["a union within a union", recordOf([named("user_id", [["null"], "string"])])],
    ["metadata of records", recordOf([named("metadata", { type: "map", values: recordOf([]) })])],
    ["a date for a time", recordOf([named("timestamp", { type: "int", logicalType: "date" })])],
    ["fields that are no list", { type: "record", name: "Event", fields: {} }],
    [
      "types nested 100,000 deep",
      recordOf([{ name: "user_id", type: JSON.parse(`${"[".repeat(1e5)}${"]".repeat(1e5)}`) }]),
    ],
  ];
  it.each(mismatches)("refuses a schema with %s", (_, schema) => {
    expect(() => eventReaderFor(schema)).toThrow(SchemaMismatch);
  });
});

/** CRC-64-AVRO of a schema's canonical form as Avro 1.12 gives it, in the order the bytes are sent. */
function fingerprintOf(canonical: string): string {
  const EMPTY = 0xc15d213aa4d7a795n;
  let fingerprint = EMPTY;
  for (const byte of Buffer.from(canonical)) {
    let entry = (fingerprint ^ BigInt(byte)) & 0xffn;
    for (let i = 0; i < 8; i++) entry = (entry >> 1n) ^ ((entry & 1n) === 1n ? EMPTY : 0n);
    fingerprint = (fingerprint >> 8n) ^ entry;
  }
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(fingerprint);
  return bytes.toString("hex");
}

describe("a long", () => {
  /** Zigzag, seven bits a byte, with numbers that have no end. */
  function written(value: number): Uint8Array {
    const wide = BigInt(value);
    let rest = wide >= 0n ? 2n * wide : -2n * wide - 1n;
    const bytes: number[] = [];
    for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
    return Uint8Array.from([...bytes, Number(rest)]);
  }

  it("is read as it was written, as far as JSON can write it", () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        const input = new AvroInput(written(value));
        expect([input.long(), input.fault, input.isAtEnd]).toEqual([value, null, true]);
      }),
      { examples: [[-(2 ** 52) - 1], [2 ** 53 - 1], [1 - 2 ** 53], [0], [-1]] },
    );
    const input = new AvroInput(written(2 ** 53));
    input.long();
    expect(input.fault).toContain("2^53");
  });
});
