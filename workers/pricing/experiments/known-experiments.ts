import { experimentsFrom } from "../../../contract/experiments.ts";
import type { FieldError } from "../../../contract/problem.ts";
import type { VersionedExperiments } from "../../../domain/experiment.ts";

/** Experiments, beside the document they were read from. */
export interface KnownExperiments extends VersionedExperiments {
  json: unknown;
}

/** Reads an experiments document from JSON, or names its faults. */
export function knownExperimentsFrom(json: unknown): KnownExperiments | FieldError[] {
  const experiments = experimentsFrom(json);
  return Array.isArray(experiments) ? experiments : { ...experiments, json };
}

/** What is known while no document was ever published. */
export const NO_EXPERIMENTS_JSON = { experiments: [] };
