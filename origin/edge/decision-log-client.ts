/** The decision log of the edge, as a reader of logs sees it: one writer, whose segments are numbered. */
import { decisionSegmentsAnswerSchema } from "../../contract/decision-log.ts";
import { createAsk, type EdgeAddress, isEdgeFault, jsonAnswer } from "./ask-edge.ts";
import type { EventLogClient } from "./event-log-client.ts";

/** What the decision log is called where writers have names. */
export const DECISION_LOG_WRITER = "decisions";

export function createDecisionLogClient(
  address: EdgeAddress,
  patienceMs: number,
  signal: AbortSignal,
): EventLogClient {
  const ask = createAsk(address, patienceMs, signal);
  const path = "/admin/v1/decision-log";
  return {
    readWriters: async () => [DECISION_LOG_WRITER],
    async listSegments(writer, after, limit) {
      const answer = await ask({
        method: "GET",
        path: `${path}?after=${after}&limit=${limit}`,
        readAnswer: jsonAnswer(decisionSegmentsAnswerSchema),
      });
      return isEdgeFault(answer) ? answer : { writer, ...answer };
    },
    readSegment: (_writer, sequence) =>
      ask({ method: "GET", path: `${path}/${sequence}`, readAnswer: (bytes) => bytes }),
  };
}
