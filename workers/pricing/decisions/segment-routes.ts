/** The decision log for its readers: which segments there are, the bytes of one. */
import { asc, eq, gt } from "drizzle-orm";
import {
  DECISION_SEGMENT_CONTENT_TYPE,
  type DecisionSegmentsAnswer,
  decisionSegmentsQuerySchema,
} from "../../../contract/decision-log.ts";
import { type Segment, segmentSequenceSchema } from "../../../contract/event-log.ts";
import { instantText } from "../../../contract/names.ts";
import { unavailable } from "../admin/config-changes.ts";
import type { EdgeDatabase } from "../decision-store.ts";
import type { Dependency } from "../dependency.ts";
import { checked, checkedQuery } from "../read-body.ts";
import type { Handler } from "../router.ts";
import { jsonResponse } from "../routes/json.ts";
import { decisionSegments } from "../schema.ts";
import type { SegmentStore } from "./segment-store.ts";

export interface SegmentPorts {
  segments: SegmentStore;
  segmentDependency: Dependency;
  database: EdgeDatabase;
  databaseDependency: Dependency;
}

/** GET /admin/v1/decision-log */
export function listDecisionSegments(ports: Omit<SegmentPorts, "segments">): Handler {
  const { database, databaseDependency } = ports;
  return async ({ request }) => {
    const query = checkedQuery(decisionSegmentsQuerySchema, request);
    if ("type" in query) return query;
    const { after, limit } = query.value;
    const rows = await databaseDependency.ask(() =>
      database
        .select()
        .from(decisionSegments)
        .where(gt(decisionSegments.sequence, after))
        .orderBy(asc(decisionSegments.sequence))
        .limit(limit + 1),
    );
    if (!rows.ok) return unavailable(rows);
    const answer: DecisionSegmentsAnswer = {
      segments: rows.value.slice(0, limit).map(segmentFrom),
      more: rows.value.length > limit,
    };
    return jsonResponse(answer);
  };
}

/** GET /admin/v1/decision-log/{sequence} */
export function readDecisionSegment(ports: SegmentPorts): Handler {
  const { segments, segmentDependency, database, databaseDependency } = ports;
  return async (call) => {
    const sequence = checked(segmentSequenceSchema, call.param("sequence"), "sequence");
    if ("type" in sequence) return sequence;
    const rows = await databaseDependency.ask(() =>
      database
        .select({ key: decisionSegments.key })
        .from(decisionSegments)
        .where(eq(decisionSegments.sequence, sequence.value)),
    );
    if (!rows.ok) return unavailable(rows);
    const [row] = rows.value;
    if (!row) return { type: "unknown_segment" };
    const found = await segmentDependency.ask(() => segments.read(row.key));
    if (!found.ok) return unavailable(found);
    if (!found.value) return { type: "unknown_segment" };
    // It never changes; that it is gone one day is the only news there can be of it.
    const headers = {
      "content-type": DECISION_SEGMENT_CONTENT_TYPE,
      "cache-control": "private, max-age=3600, immutable",
    };
    return new Response(found.value, { headers });
  };
}

function segmentFrom(row: typeof decisionSegments.$inferSelect): Segment {
  const { sequence, bytes, records, writtenAt, firstAt, lastAt } = row;
  return {
    ...{ sequence, bytes, records, written_at: instantText(writtenAt) },
    first_at: instantText(firstAt),
    last_at: instantText(lastAt),
  };
}
