import { mediaTypeOf } from "../../../contract/body.ts";
import type { CloudEvent } from "../../../contract/cloud-events.ts";
import { MAX_EVENTS_BODY_BYTES } from "../../../contract/events.ts";
import { countedCandidates, invalidBody } from "../event-candidates.ts";
import {
  type CloudEventData,
  dataFields,
  dataFrom,
  eventFromCloudEvent,
  faultyData,
} from "./cloud-event.ts";
import type { EventFormat, InflationRoom } from "./event-format.ts";
import { parsedJson } from "./json.ts";

/** Which format reads data of a content type; undefined where none does. */
export type FormatFor = (mediaType: string) => EventFormat | undefined;

/** CloudEvents in structured mode: one envelope. */
export function structuredCloudEvent(formatFor: FormatFor): EventFormat {
  return {
    name: "cloudevents",
    mediaTypes: ["application/cloudevents+json"],
    read(body) {
      const parsed = parsedJson(body);
      if ("type" in parsed) return parsed;
      const event = eventFromCloudEvent(parsed.json, (envelope) => dataIn(envelope, formatFor));
      return { events: [event], isSingle: true };
    },
  };
}

/** CloudEvents in batched mode: an array of envelopes. */
export function batchedCloudEvents(formatFor: FormatFor): EventFormat {
  return {
    name: "cloudevents-batch",
    mediaTypes: ["application/cloudevents-batch+json"],
    read(body) {
      const parsed = parsedJson(body);
      if ("type" in parsed) return parsed;
      if (!Array.isArray(parsed.json))
        return invalidBody("", "The body is no array of CloudEvents.");
      const counted = countedCandidates({ events: parsed.json, isSingle: false });
      if ("type" in counted) return counted;
      const room = { bytes: MAX_EVENTS_BODY_BYTES };
      const dataOf = (envelope: CloudEvent) => dataIn(envelope, formatFor, room);
      const events = counted.events.map((envelope) => eventFromCloudEvent(envelope, dataOf));
      return { events, isSingle: false };
    },
  };
}

/** `data` as the JSON it is, or `data_base64` as the bytes of the format that datacontenttype names. */
function dataIn(envelope: CloudEvent, formatFor: FormatFor, room?: InflationRoom): CloudEventData {
  const { data, data_base64: base64, datacontenttype } = envelope;
  const mediaType = mediaTypeOf(datacontenttype ?? "application/json");
  if (base64 == null) return dataFields(data);
  if (data !== undefined) return faultyData("There are both data and data_base64.");
  const format = formatFor(mediaType);
  if (format) return dataFrom(format, Buffer.from(base64, "base64"), room);
  return faultyData(`Data of the type "${mediaType}" is not read here.`);
}
