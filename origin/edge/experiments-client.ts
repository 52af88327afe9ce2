/** Experiments and exposures of the edge, as the origin reads them. */
import { experimentsAnswerSchema } from "../../contract/experiments.ts";
import { type ExposuresAnswer, exposuresAnswerSchema } from "../../contract/exposures.ts";
import { createAsk, type EdgeAddress, type EdgeResult, jsonAnswer } from "./ask-edge.ts";

export interface ExperimentsClient {
  /** The document in force, as it was published; `not_published` while there is none. */
  readExperiments(): Promise<EdgeResult<{ version: string; document: unknown }>>;
  /** A page of exposures, from behind `after`. */
  listExposures(experimentId: string, after: string | null): Promise<EdgeResult<ExposuresAnswer>>;
}

const PAGE = 5_000;

export function createExperimentsClient(
  address: EdgeAddress,
  patienceMs: number,
  signal: AbortSignal,
): ExperimentsClient {
  const ask = createAsk(address, patienceMs, signal);
  return {
    readExperiments: () =>
      ask({
        ...{ method: "GET", path: "/admin/v1/experiments" },
        readAnswer: jsonAnswer(experimentsAnswerSchema),
      }),
    listExposures(experimentId, after) {
      const query = new URLSearchParams({ experiment: experimentId, limit: String(PAGE) });
      if (after !== null) query.set("after", after);
      return ask({
        ...{ method: "GET", path: `/admin/v1/exposures?${query}` },
        readAnswer: jsonAnswer(exposuresAnswerSchema),
      });
    },
  };
}
