/**
 * Experiments: which prices are tried out on whom.
 *
 * Pure data, published as one document. A variant is another version of the rules, of the model, or of neither (a control), so
 * that a decision's key names everything that made its price.
 */
import type { ExperimentId, ModelVersion, ProductType, RegionId, RulesVersion } from "./units.ts";

export const EXPERIMENT_STATUSES = ["running", "stopped"] as const;
export type ExperimentStatus = (typeof EXPERIMENT_STATUSES)[number];

export interface Variant {
  name: string;
  /** Its share of the users taken in is its weight by the sum of all weights. */
  weight: number;
  /** Null: what is in force. */
  rulesVersion: RulesVersion | null;
  modelVersion: ModelVersion | null;
}

/** Models of variants that are kept warm beside the one in force. */
export const MAX_VARIANT_MODELS = 2;

export interface Experiment {
  experimentId: ExperimentId;
  /** Decides who gets what: another salt is another draw. */
  salt: string;
  status: ExperimentStatus;
  /** Null: all. */
  regions: ReadonlySet<RegionId> | null;
  productTypes: ReadonlySet<ProductType> | null;
  /** Share of users taken in, 0 to 1. */
  traffic: number;
  /** Two or more. The first is what the others are compared with. */
  variants: readonly Variant[];
  /** It has priced for somebody once, so what decides who gets what stays as it is. */
  hasStarted: boolean;
}

/** Users no experiment ever takes in: what all experiments together did is seen beside them. */
export interface Holdout {
  salt: string;
  /** 0 to 1. */
  share: number;
}

export interface ExperimentsDocument {
  holdout: Holdout | null;
  experiments: readonly Experiment[];
}

export interface VersionedExperiments {
  version: string;
  document: ExperimentsDocument;
}

/** The experiment that runs for a product in a region, or null. A document without faults has one at most. */
export function runningFor(
  { experiments }: ExperimentsDocument,
  regionId: RegionId,
  productType: ProductType,
): Experiment | null {
  const found = experiments.find(
    ({ status, regions, productTypes }) =>
      status === "running" &&
      (regions === null || regions.has(regionId)) &&
      (productTypes === null || productTypes.has(productType)),
  );
  return found ?? null;
}
