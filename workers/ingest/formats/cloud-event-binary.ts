import { UnreadableEvent } from "../event-candidates.ts";
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
        if (!name.startsWith(PREFIX)) continue;
        const text = decodedValue(value);
        if (text === null) return { events: [notText(name)], isSingle: true };
        attributes[name.slice(PREFIX.length)] = text;
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

// Fatal, as with bodies: ids that differ in bytes that are no text would become one id, and one of their events be lost as a repeat.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A header's text: quotes taken off, then percent-encoded UTF-8 decoded once; null where it is none. CloudEvents HTTP binding 1.0.2, 3.1.3.2. */
function decodedValue(value: string): string | null {
  const text = /^"(?:[^"\\]|\\.)*"$/.test(value)
    ? value.slice(1, -1).replaceAll(/\\(.)/g, "$1")
    : value;
  try {
    return text.replaceAll(/(?:%[0-9a-f]{2})+/gi, (encoded) =>
      decoder.decode(Buffer.from(encoded.replaceAll("%", ""), "hex")),
    );
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

function notText(name: string): UnreadableEvent {
  const detail = "What is percent-encoded here is not UTF-8.";
  return new UnreadableEvent(detail, [{ path: name.slice(PREFIX.length), detail }]);
}
