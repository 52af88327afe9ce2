/** The event log for its readers: which writers there are, their segments, the bytes of one. */
import {
  type LogWritersAnswer,
  logWriterSchema,
  SEGMENT_CONTENT_TYPE,
  type SegmentsAnswer,
  segmentSequenceSchema,
  segmentsQuerySchema,
} from "../../../contract/event-log.ts";
import type { Dependency } from "../dependency.ts";
import type { EventLogStore } from "../event-log-store.ts";
import { checked, checkedQuery } from "../read-body.ts";
import type { Handler } from "../router.ts";
import { jsonResponse } from "../routes/json.ts";
import { unavailable } from "./config-changes.ts";

export interface EventLogPorts {
  store: EventLogStore;
  dependency: Dependency;
}

/** GET /admin/v1/event-log */
export function listLogWriters({ store, dependency }: EventLogPorts): Handler {
  return async () => {
    const found = await dependency.ask(() => store.writers());
    if (!found.ok) return unavailable(found);
    const answer: LogWritersAnswer = { writers: found.value.map((writer) => ({ writer })) };
    return jsonResponse(answer);
  };
}

/** GET /admin/v1/event-log/{writer}: none of a writer that is not known, for it may have written nothing yet. */
export function listSegments({ store, dependency }: EventLogPorts): Handler {
  return async (call) => {
    const writer = checked(logWriterSchema, call.param("writer"), "writer");
    if ("type" in writer) return writer;
    const query = checkedQuery(segmentsQuerySchema, call.request);
    if ("type" in query) return query;
    const { after, limit } = query.value;
    const page = await dependency.ask(() => store.segmentsAfter(writer.value, after, limit));
    if (!page.ok) return unavailable(page);
    const answer: SegmentsAnswer = { writer: writer.value, ...page.value };
    return jsonResponse(answer);
  };
}

/** GET /admin/v1/event-log/{writer}/{sequence} */
export function readSegment({ store, dependency }: EventLogPorts): Handler {
  return async (call) => {
    const writer = checked(logWriterSchema, call.param("writer"), "writer");
    if ("type" in writer) return writer;
    const sequence = checked(segmentSequenceSchema, call.param("sequence"), "sequence");
    if ("type" in sequence) return sequence;
    const found = await dependency.ask(() => store.read(writer.value, sequence.value));
    if (!found.ok) return unavailable(found);
    if (!found.value) return { type: "unknown_segment" };
    // It never changes; that it is gone one day is the only news there can be of it.
    const headers = {
      "content-type": SEGMENT_CONTENT_TYPE,
      "cache-control": "private, max-age=3600, immutable",
    };
    return new Response(found.value, { headers });
  };
}
