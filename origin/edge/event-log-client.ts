/** The event log of the edge, as the origin reads it: writers, their segments, and what is in one. */
import {
  logWritersAnswerSchema,
  type SegmentsAnswer,
  segmentsAnswerSchema,
} from "../../contract/event-log.ts";
import {
  createAsk,
  type EdgeAddress,
  type EdgeResult,
  isEdgeFault,
  jsonAnswer,
} from "./ask-edge.ts";

export interface EventLogClient {
  readWriters(): Promise<EdgeResult<string[]>>;
  /** Segments after a sequence, in order; at most `limit`. */
  listSegments(writer: string, after: number, limit: number): Promise<EdgeResult<SegmentsAnswer>>;
  /** The records of one segment. */
  readSegment(writer: string, sequence: number): Promise<EdgeResult<Uint8Array>>;
}

export function createEventLogClient(
  address: EdgeAddress,
  patienceMs: number,
  signal: AbortSignal,
): EventLogClient {
  const ask = createAsk(address, patienceMs, signal);
  const folder = "/admin/v1/event-log";
  return {
    async readWriters() {
      const readAnswer = jsonAnswer(logWritersAnswerSchema);
      const answer = await ask({ method: "GET", path: folder, readAnswer });
      return isEdgeFault(answer) ? answer : answer.writers.map(({ writer }) => writer);
    },
    listSegments: (writer, after, limit) =>
      ask({
        method: "GET",
        path: `${folder}/${writer}?after=${after}&limit=${limit}`,
        readAnswer: jsonAnswer(segmentsAnswerSchema),
      }),
    readSegment: (writer, sequence) =>
      ask({
        method: "GET",
        path: `${folder}/${writer}/${sequence}`,
        readAnswer: (bytes) => bytes,
      }),
  };
}
