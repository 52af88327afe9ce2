/** Events as each format writes them. Avro is written by hand here, for workerd runs no code made at run time; avsc is the oracle of test/domain. */
import { deflateRawSync, gzipSync } from "node:zlib";
import { create, type JsonObject, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { EventBatchSchema, EventSchema } from "../../contract/schemas/generated/events_pb.js";
import { SCHEMA_SOURCES } from "../../contract/schemas/generated/schema-sources.ts";
import { ByteWriter } from "../../domain/bytes.ts";
import { EVENT_FINGERPRINT } from "../../workers/ingest/formats/avro-single-object.ts";

/** An event as JSON has it. */
export interface SentEvent {
  event_type: string;
  region_id: string;
  timestamp: string;
  idempotency_key: string;
  user_id?: string;
  product_type?: string;
  quantity?: number;
  metadata?: JsonObject;
}

/** What a request needs. */
export interface EventBody {
  headers: Record<string, string>;
  body: Uint8Array<ArrayBuffer>;
}

const bodyOf = (type: string, body: Uint8Array | string, headers = {}): EventBody => ({
  headers: { ...(type !== "" && { "content-type": type }), ...headers },
  body: Uint8Array.from(typeof body === "string" ? new TextEncoder().encode(body) : body),
});

function cloudEvent({ event_type, region_id, timestamp, idempotency_key, ...data }: SentEvent) {
  return {
    specversion: "1.0",
    id: idempotency_key,
    source: "/apps/rider",
    type: `pricing.events.${event_type}`,
    subject: region_id,
    time: timestamp,
    datacontenttype: "application/json",
    data,
  };
}

function message(event: SentEvent) {
  return create(EventSchema, {
    eventType: event.event_type,
    regionId: event.region_id,
    timestamp: timestampFromMs(Date.parse(event.timestamp)),
    idempotencyKey: event.idempotency_key,
    ...(event.user_id !== undefined && { userId: event.user_id }),
    ...(event.product_type !== undefined && { productType: event.product_type }),
    ...(event.quantity !== undefined && { quantity: event.quantity }),
    ...(event.metadata !== undefined && { metadata: event.metadata }),
  });
}

export function protobufBytes(events: readonly SentEvent[]): Uint8Array {
  return toBinary(EventBatchSchema, create(EventBatchSchema, { events: events.map(message) }));
}

function avroLong(writer: ByteWriter, value: number): void {
  writer.varint(value >= 0 ? 2 * value : -2 * value - 1);
}

function avroBytes(writer: ByteWriter, bytes: Uint8Array): void {
  avroLong(writer, bytes.byteLength);
  writer.bytes(bytes);
}

function avroText(writer: ByteWriter, text: string): void {
  avroBytes(writer, new TextEncoder().encode(text));
}

function avroOptional(writer: ByteWriter, text: string | undefined): void {
  avroLong(writer, text === undefined ? 0 : 1);
  if (text !== undefined) avroText(writer, text);
}

/** Metadata of texts and numbers only. */
function avroEvent(writer: ByteWriter, event: SentEvent): void {
  avroText(writer, event.event_type);
  avroText(writer, event.region_id);
  avroLong(writer, Date.parse(event.timestamp));
  avroText(writer, event.idempotency_key);
  avroOptional(writer, event.user_id);
  avroOptional(writer, event.product_type);
  avroLong(writer, event.quantity ?? 1);
  const entries = Object.entries(event.metadata ?? {});
  if (entries.length > 0) avroLong(writer, entries.length);
  for (const [name, value] of entries) {
    avroText(writer, name);
    avroLong(writer, typeof value === "number" ? 2 : 3);
    if (typeof value === "number") writer.f64(value);
    else avroText(writer, String(value));
  }
  avroLong(writer, 0);
}

export interface AvroFileOptions {
  schema?: string;
  codec?: "null" | "deflate";
  /** Blocks without events before the one with them, of bytes that cannot be inflated. */
  emptyBlocks?: number;
}

export function avroFile(
  events: readonly SentEvent[],
  { schema = SCHEMA_SOURCES["event.avsc"], codec = "null", emptyBlocks = 0 }: AvroFileOptions = {},
): Uint8Array {
  const sync = new Uint8Array(16).fill(7);
  const file = new ByteWriter();
  file.bytes(Uint8Array.of(0x4f, 0x62, 0x6a, 1));
  avroLong(file, 2);
  avroText(file, "avro.schema");
  avroText(file, schema);
  avroText(file, "avro.codec");
  avroText(file, codec);
  avroLong(file, 0);
  file.bytes(sync);
  const writeBlock = (count: number, bytes: Uint8Array) => {
    avroLong(file, count);
    avroBytes(file, bytes);
    file.bytes(sync);
  };
  for (let n = 0; n < emptyBlocks; n++) writeBlock(0, Uint8Array.of(0xff));
  const block = new ByteWriter();
  for (const event of events) avroEvent(block, event);
  const bytes = block.written();
  writeBlock(events.length, codec === "null" ? bytes : deflateRawSync(bytes));
  return file.copy();
}

export function avroSingle(event: SentEvent): Uint8Array {
  const writer = new ByteWriter();
  writer.bytes(Buffer.from(`c301${EVENT_FINGERPRINT}`, "hex"));
  avroEvent(writer, event);
  return writer.copy();
}

/** A way to send events; `single` takes the first alone. */
export interface BodyMaker {
  name: string;
  isSingle: boolean;
  of(events: readonly [SentEvent, ...SentEvent[]]): EventBody;
}

const many = (name: string, of: BodyMaker["of"]): BodyMaker => ({ name, isSingle: false, of });
const single = (name: string, of: (event: SentEvent) => EventBody): BodyMaker => ({
  name,
  isSingle: true,
  of: ([event]) => of(event),
});

function binaryMode(event: SentEvent): EventBody {
  const { data, datacontenttype, ...attributes } = cloudEvent(event);
  const headers = Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value]);
  return bodyOf(datacontenttype, JSON.stringify(data), Object.fromEntries(headers));
}

/** Every format there is. */
export const BODY_MAKERS: readonly BodyMaker[] = [
  single("JSON, one event", (event) => bodyOf("application/json", JSON.stringify(event))),
  many("JSON, a list", (events) => bodyOf("application/json", JSON.stringify(events))),
  many("JSON, {events}", (events) => bodyOf("application/json", JSON.stringify({ events }))),
  many("NDJSON", (events) =>
    bodyOf("application/x-ndjson", events.map((event) => JSON.stringify(event)).join("\n")),
  ),
  single("CloudEvents, structured", (event) =>
    bodyOf("application/cloudevents+json; charset=utf-8", JSON.stringify(cloudEvent(event))),
  ),
  many("CloudEvents, batched", (events) =>
    bodyOf("application/cloudevents-batch+json", JSON.stringify(events.map(cloudEvent))),
  ),
  single("CloudEvents, binary", binaryMode),
  single("CloudEvents around Protobuf", (event) =>
    bodyOf("application/protobuf", protobufBytes([event]), {
      "ce-specversion": "1.0",
      "ce-id": event.idempotency_key,
      "ce-source": "/apps/rider",
      "ce-type": event.event_type,
    }),
  ),
  single("CloudEvents with data_base64", (event) => {
    const { data: _, ...envelope } = cloudEvent(event);
    const base64 = Buffer.from(avroSingle(event)).toString("base64");
    return bodyOf(
      "application/cloudevents+json",
      JSON.stringify({ ...envelope, datacontenttype: "avro/binary", data_base64: base64 }),
    );
  }),
  many("Avro file", (events) => bodyOf("application/avro", avroFile(events))),
  single("Avro single object", (event) =>
    bodyOf("application/vnd.apache.avro+binary", avroSingle(event)),
  ),
  many("Protobuf", (events) => bodyOf("application/x-protobuf", protobufBytes(events))),
  many("JSON in gzip", (events) =>
    bodyOf("application/json", gzipSync(JSON.stringify(events)), { "content-encoding": "gzip" }),
  ),
];
