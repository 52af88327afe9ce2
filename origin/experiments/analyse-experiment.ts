/** An experiment from the edge's exposures and the origin's events to what it did. */
import { experimentsFrom } from "../../contract/experiments.ts";
import { regionsDocumentSchema, regionsFrom } from "../../contract/regions.ts";
import type { Experiment } from "../../domain/experiment.ts";
import { decimalFrom } from "../../domain/money.ts";
import type { Region } from "../../domain/region.ts";
import {
  type EpochMs,
  type ExperimentId,
  epochMs,
  minorUnits,
  type RegionId,
} from "../../domain/units.ts";
import { type EdgeFault, isEdgeFault } from "../edge/ask-edge.ts";
import type { EdgeClient } from "../edge/edge-client.ts";
import type { ExperimentsClient } from "../edge/experiments-client.ts";
import type { BronzeStore } from "../event-log/bronze-sink.ts";
import { type ExperimentReport, experimentReport, type ReportOptions } from "./report.ts";
import { type Exposure, userOutcomes } from "./user-outcomes.ts";

export interface AnalysisOptions extends ReportOptions {
  experimentId: ExperimentId;
  /** Outcomes up to here, exclusive, event clock; undefined: all there are. */
  until: EpochMs | undefined;
  beforeMs: number;
  /** Bookings in every region and of every product count, not the experiment's alone. */
  everywhere: boolean;
}

export interface Analysis extends ExperimentReport {
  experiment: Experiment;
  /** ISO 4217, of the revenue. */
  currency: string;
  unpricedBookings: number;
}

export type AnalysisFault =
  | EdgeFault
  | { reason: "unknown_experiment" | "unusable_document" | "several_currencies"; detail: string };

export interface AnalysisSources {
  edge: Pick<EdgeClient, "readRegions">;
  experiments: ExperimentsClient;
  store: BronzeStore;
}

export async function analyseExperiment(
  { edge, experiments, store }: AnalysisSources,
  options: AnalysisOptions,
): Promise<Analysis | AnalysisFault> {
  const experiment = await findExperiment(experiments, options.experimentId);
  if ("reason" in experiment) return experiment;
  const answer = await edge.readRegions();
  if (isEdgeFault(answer)) return answer;
  const regions = regionsFrom(regionsDocumentSchema.parse(answer));
  const places = options.everywhere
    ? { regions: null, productTypes: null }
    : { regions: experiment.regions, productTypes: experiment.productTypes };
  const currency = currencyOf(regions, places.regions);
  if (currency === null && options.metrics.includes("revenue")) {
    const detail = "Its regions have several currencies; leave revenue out with --metric.";
    return { reason: "several_currencies", detail };
  }
  const reader = exposuresOf(experiments, options.experimentId);
  const { arms, unpricedBookings } = await userOutcomes(
    store,
    reader.exposures,
    experiment.variants,
    {
      ...places,
      until: options.until,
      beforeMs: options.beforeMs,
      minorUnits: minorUnitsOf(regions),
    },
  );
  const fault = reader.fault();
  if (fault) return fault;
  const report = experimentReport(arms, options);
  return { ...report, experiment, currency: currency ?? "", unpricedBookings };
}

async function findExperiment(
  client: ExperimentsClient,
  experimentId: ExperimentId,
): Promise<Experiment | AnalysisFault> {
  const answer = await client.readExperiments();
  if (isEdgeFault(answer)) return answer;
  const read = experimentsFrom(answer.document);
  if (Array.isArray(read)) {
    const detail = read.map((fault) => `${fault.path}: ${fault.detail}`).join("; ");
    return { reason: "unusable_document", detail };
  }
  const found = read.document.experiments.find((one) => one.experimentId === experimentId);
  const detail = `No experiment is called ${experimentId}.`;
  return found ?? { reason: "unknown_experiment", detail };
}

/** The exposures of an experiment, a page at a time. A page that cannot be had ends them, and is told of after. */
function exposuresOf(client: ExperimentsClient, experimentId: ExperimentId) {
  let fault: EdgeFault | null = null;
  async function* read(): AsyncGenerator<Exposure> {
    let after: string | null = null;
    do {
      const page = await client.listExposures(experimentId, after);
      if (isEdgeFault(page)) {
        fault = page;
        return;
      }
      for (const { user_hash, variant, exposed_at } of page.exposures) {
        yield { userHash: user_hash, variant, exposedAt: epochMs(Date.parse(exposed_at)) };
      }
      after = page.next;
    } while (after !== null);
  }
  return { exposures: read(), fault: () => fault };
}

/** The one currency of some regions, or null when there are several. */
function currencyOf(
  regions: ReadonlyMap<RegionId, Region>,
  among: ReadonlySet<RegionId> | null,
): string | null {
  const some = [...regions.values()].filter(
    ({ regionId }) => among === null || among.has(regionId),
  );
  const [first, ...others] = new Set(some.map(({ currency }) => currency));
  return others.length === 0 ? (first ?? "") : null;
}

function minorUnitsOf(regions: ReadonlyMap<RegionId, Region>): Map<RegionId, number> {
  return new Map(
    [...regions.values()].map(({ regionId, currency }) => [
      regionId,
      decimalFrom(minorUnits(1), currency),
    ]),
  );
}
