import { dataFields, dataFrom, eventFromCloudEvent } from "./cloud-event.ts";
import type { EventFormat } from "./event-format.ts";

/** A header that every CloudEvent in binary mode has. */
export const BINARY_MODE_HEADER = "ce-specversion";

const PREFIX = "ce-";

/** A CloudEvent in binary mode: attributes in headers, the body its data, which `dataFormat` reads. */
export function binaryCloudEvent(headers: Headers, dataFormat: EventFormat | null): EventFormat {
  return {
    name: "cloudevents-binary",
    mediaTypes: [],
    read(body) {
      const attributes: Record<string, string> = {};
      for (const [name, value] of headers) {
        if (name.startsWith(PREFIX)) attributes[name.slice(PREFIX.length)] = decodedValue(value);
      }
      // In this mode the data is the body, whatever headers say.
      const { data: _, data_base64: __, ...envelope } = attributes;
      const event = eventFromCloudEvent(envelope, () =>
        dataFormat && body.byteLength > 0 ? dataFrom(dataFormat, body) : dataFields(undefined),
      );
      return { events: [event], isSingle: true };
    },
  };
}

/** A header's text: quotes taken off, then percent-encoded UTF-8 decoded once. CloudEvents HTTP binding 1.0.2, 3.1.3.2. */
function decodedValue(value: string): string {
  const text = /^"(?:[^"\\]|\\.)*"$/.test(value)
    ? value.slice(1, -1).replaceAll(/\\(.)/g, "$1")
    : value;
  return text.replaceAll(/(?:%[0-9a-f]{2})+/gi, (encoded) =>
    Buffer.from(encoded.replaceAll("%", ""), "hex").toString("utf8"),
  );
}
