import { createHash } from "node:crypto";
import { mediaTypeOf } from "../../contract/body.ts";
import { regionIdSchema } from "../../contract/names.ts";
import { jsonOrNull } from "../edge/json-or-null.ts";
import type { KafkaRecord } from "./kafka-port.ts";

/** A record on its way to ingest, or why it never can be. */
export type PreparedRecord = { record: KafkaRecord } & (
  | { form: "json"; event: object }
  /** A CloudEvent in its JSON format. */
  | { form: "cloud_event"; event: object }
  /** A body of its own, such as Avro or Protobuf: ingest reads it by its content type. */
  | { form: "body"; contentType: string; bytes: Buffer }
  | { form: "poison"; reason: string; detail: string }
  /** One that the bridge itself wrote; it came from ingest. */
  | { form: "echo" }
);

/** Stands in every record that the bridge writes. */
export const ECHO_HEADER = "edge-event-id";
const MAX_KEY_LENGTH = 128;
const CLOUD_EVENT_JSON = "application/cloudevents+json";
/** Of a CloudEvent in binary mode, by its Kafka binding: one header an attribute. */
const ATTRIBUTE_PREFIX = "ce_";

/**
 * What ingest is sent of a record.
 *
 * JSON is an event as POST /api/v1/events takes it. Its region may be left to the record's key, and its idempotency key to where
 * it lies in Kafka, `<topic>/<partition>/<offset>`: a record that is read twice is then one event still.
 */
export function prepareRecord(record: KafkaRecord): PreparedRecord {
  const { headers, value } = record;
  if (headers.has(ECHO_HEADER)) return { record, form: "echo" };
  if (value === null || value.byteLength === 0) {
    return poison(record, "empty_record", "The record has no value.");
  }
  const contentType = headers.get("content-type") ?? headers.get("content_type") ?? "";
  if (headers.has(`${ATTRIBUTE_PREFIX}specversion`)) {
    return { record, form: "cloud_event", event: envelopeOf(record, value, contentType) };
  }
  const mediaType = mediaTypeOf(contentType);
  const isJson = mediaType === "" || mediaType === "application/json";
  if (!isJson && mediaType !== CLOUD_EVENT_JSON) {
    return { record, form: "body", contentType, bytes: value };
  }
  const parsed = jsonObject(value);
  if (parsed === null) return poison(record, "malformed_json", "The value is no JSON object.");
  return isJson
    ? { record, form: "json", event: completed(parsed, record) }
    : { record, form: "cloud_event", event: { ...subjectFrom(record), ...parsed } };
}

/** The address of a record, at most 128 characters: an idempotency key that every reading of it has. */
export function addressOf({ topic, partition, offset }: KafkaRecord): string {
  const address = `${topic}/${partition}/${offset}`;
  if (address.length <= MAX_KEY_LENGTH) return address;
  return `sha256:${createHash("sha256").update(address).digest("hex")}`;
}

function completed(event: object, record: KafkaRecord): object {
  return { ...regionFrom(record), idempotency_key: addressOf(record), ...event };
}

/** The CloudEvent that headers and value of a record are together. */
function envelopeOf(record: KafkaRecord, value: Buffer, contentType: string): object {
  const attributes: Record<string, unknown> = {};
  for (const [name, text] of record.headers) {
    if (name.startsWith(ATTRIBUTE_PREFIX)) attributes[name.slice(ATTRIBUTE_PREFIX.length)] = text;
  }
  const mediaType = mediaTypeOf(contentType);
  const data = mediaType === "" || mediaType === "application/json" ? jsonObject(value) : null;
  return {
    ...subjectFrom(record),
    ...attributes,
    ...(contentType === "" ? {} : { datacontenttype: contentType }),
    ...(data === null ? { data_base64: value.toString("base64") } : { data }),
  };
}

const regionFrom = (record: KafkaRecord) => named("region_id", record);
const subjectFrom = (record: KafkaRecord) => named("subject", record);

/** The record's key under `name`, where it can be a region. */
function named(name: string, { key }: KafkaRecord): object {
  const region = regionIdSchema.safeParse(key?.toString());
  return region.success ? { [name]: region.data } : {};
}

function jsonObject(value: Buffer): object | null {
  const parsed = jsonOrNull(value.toString("utf8"));
  return typeof parsed === "object" && !Array.isArray(parsed) ? parsed : null;
}

function poison(record: KafkaRecord, reason: string, detail: string): PreparedRecord {
  return { record, form: "poison", reason, detail };
}
