/** Which format a request is in, by its headers. */
import type { Refusal } from "../../../contract/admit.ts";
import { mediaTypeOf } from "../../../contract/body.ts";
import { avroContainer } from "./avro-container.ts";
import { avroSingleObject } from "./avro-single-object.ts";
import { BINARY_MODE_HEADER, binaryCloudEvent } from "./cloud-event-binary.ts";
import { batchedCloudEvents, structuredCloudEvent } from "./cloud-events-json.ts";
import type { EventFormat } from "./event-format.ts";
import { json } from "./json.ts";
import { ndjson } from "./ndjson.ts";
import { protobuf } from "./protobuf.ts";

/** What may stand in a body by itself, and as data of a CloudEvent. */
const PLAIN = [json, ndjson, protobuf, avroContainer, avroSingleObject];
const PLAIN_BY_TYPE = byMediaType(PLAIN);
const dataFormatFor = (mediaType: string) => PLAIN_BY_TYPE.get(mediaType);

const ENVELOPES = [structuredCloudEvent(dataFormatFor), batchedCloudEvents(dataFormatFor)];
const ENVELOPES_BY_TYPE = byMediaType(ENVELOPES);

/** Every content type that is taken, as the Accept-Post header lists them. */
export const ACCEPTED_MEDIA_TYPES = [...PLAIN_BY_TYPE.keys(), ...ENVELOPES_BY_TYPE.keys()];

/** The format of a request's body, or why it is not read. */
export function chooseFormat(headers: Headers): EventFormat | Refusal {
  const given = mediaTypeOf(headers.get("content-type"));
  const envelope = ENVELOPES_BY_TYPE.get(given);
  if (envelope) return envelope;
  const plain = PLAIN_BY_TYPE.get(given);
  if (headers.has(BINARY_MODE_HEADER)) {
    if (plain || given === "") return binaryCloudEvent(headers, plain ?? null);
  } else if (plain) {
    return plain;
  }
  const accepted = ACCEPTED_MEDIA_TYPES.join(", ");
  const detail = `The content type "${given}" is not read here. Send one of: ${accepted}.`;
  return {
    problem: { type: "unsupported_media_type", detail },
    headers: { "accept-post": accepted },
  };
}

function byMediaType(formats: readonly EventFormat[]): ReadonlyMap<string, EventFormat> {
  return new Map(
    formats.flatMap((format) => format.mediaTypes.map((mediaType) => [mediaType, format] as const)),
  );
}
