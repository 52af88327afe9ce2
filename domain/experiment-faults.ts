/** What keeps an experiments document, or a change of one, from being used. */
import {
  type Experiment,
  type ExperimentsDocument,
  MAX_VARIANT_MODELS,
  type Variant,
} from "./experiment.ts";
import type { Region } from "./region.ts";
import type { ModelVersion, RegionId } from "./units.ts";

/** Why a document cannot be used, with the place in it. */
export interface ExperimentsFault {
  path: string;
  reason:
    | "repeated_id"
    | "shared_salt"
    | "repeated_variant"
    | "overlap"
    | "too_many_models"
    | "moves_users"
    | "unknown_region"
    | "unknown_product";
  detail: string;
}

/** What makes a document unusable, beyond its shape. */
export function faultsOfExperiments(document: ExperimentsDocument): ExperimentsFault[] {
  const { holdout, experiments } = document;
  const faults: ExperimentsFault[] = [];
  experiments.forEach((experiment, index) => {
    const path = `experiments[${index}]`;
    const earlier = experiments.slice(0, index);
    const { experimentId, salt, variants } = experiment;
    if (earlier.some((other) => other.experimentId === experimentId)) {
      const detail = `there is an ${experimentId} already`;
      faults.push({ path: `${path}.id`, reason: "repeated_id", detail });
    }
    const sharing = earlier.find((other) => other.salt === salt);
    if (sharing || holdout?.salt === salt) {
      const detail = `${sharing?.experimentId ?? "the holdout"} has the same salt, so both would draw alike`;
      faults.push({ path: `${path}.salt`, reason: "shared_salt", detail });
    }
    const names = variants.map(({ name }) => name);
    for (const [i, name] of names.entries()) {
      if (names.indexOf(name) === i) continue;
      const detail = `there is a variant ${name} already`;
      faults.push({ path: `${path}.variants[${i}].name`, reason: "repeated_variant", detail });
    }
    const overlapping = earlier.find((other) => overlap(other, experiment));
    if (overlapping) {
      const detail = `${overlapping.experimentId} is running for ${placeOf(overlapping, experiment)}; one experiment can be at a time`;
      faults.push({ path: `${path}.for`, reason: "overlap", detail });
    }
  });
  const running = experiments.filter(({ status }) => status === "running");
  const models = new Set(running.flatMap(modelsOf));
  if (models.size > MAX_VARIANT_MODELS) {
    const detail = `running experiments name ${models.size} models; ${MAX_VARIANT_MODELS} are kept warm beside the one in force`;
    faults.push({ path: "experiments", reason: "too_many_models", detail });
  }
  return faults;
}

/** What an experiment asks for and no region has. */
export function faultsOfPlaces(
  { experiments }: ExperimentsDocument,
  regions: ReadonlyMap<RegionId, Region>,
): ExperimentsFault[] {
  const sold = new Set([...regions.values()].flatMap(({ productTypes }) => productTypes));
  return experiments.flatMap((experiment, index): ExperimentsFault[] => {
    const path = `experiments[${index}].for`;
    const strangers = [...(experiment.regions ?? [])].filter((id) => !regions.has(id));
    const unsold = [...(experiment.productTypes ?? [])].filter((product) => !sold.has(product));
    return [
      ...strangers.map((id): ExperimentsFault => {
        const detail = `no region is called ${id}`;
        return { path: `${path}.regions`, reason: "unknown_region", detail };
      }),
      ...unsold.map((product): ExperimentsFault => {
        const detail = `no region sells ${product}`;
        return { path: `${path}.products`, reason: "unknown_product", detail };
      }),
    ];
  });
}

/**
 * What a change would do to users who are in an experiment already: another salt, other variants or weights move them from
 * one price to another, and what was measured before means nothing any more.
 */
export function faultsOfChange(
  before: ExperimentsDocument,
  after: ExperimentsDocument,
): ExperimentsFault[] {
  return after.experiments.flatMap((experiment, index) => {
    const known = before.experiments.find(
      ({ experimentId }) => experimentId === experiment.experimentId,
    );
    if (!known?.hasStarted) return [];
    const path = `experiments[${index}]`;
    const fault = (field: string): ExperimentsFault => {
      const detail = `${experiment.experimentId} has begun: this stays as it was. Stop it and begin another under an id and a salt of its own`;
      return { path: `${path}.${field}`, reason: "moves_users", detail };
    };
    return [
      known.salt === experiment.salt ? [] : fault("salt"),
      sameVariants(known.variants, experiment.variants) ? [] : fault("variants"),
      sameSet(known.regions, experiment.regions) ? [] : fault("for.regions"),
      sameSet(known.productTypes, experiment.productTypes) ? [] : fault("for.products"),
    ].flat();
  });
}

function modelsOf({ variants }: Experiment): ModelVersion[] {
  return variants.flatMap(({ modelVersion }) => modelVersion ?? []);
}

function overlap(one: Experiment, other: Experiment): boolean {
  const bothRun = one.status === "running" && other.status === "running";
  return bothRun && meet(one.regions, other.regions) && meet(one.productTypes, other.productTypes);
}

function meet<Name>(one: ReadonlySet<Name> | null, other: ReadonlySet<Name> | null): boolean {
  return one === null || other === null || commonOf(one, other).length > 0;
}

/** A region and a product that two experiments both ask for, as words. */
function placeOf(one: Experiment, other: Experiment): string {
  const [region = "all regions"] = commonOf(one.regions, other.regions);
  const [product = "all products"] = commonOf(one.productTypes, other.productTypes);
  return `${product} in ${region}`;
}

/** The names both have; null has all. Empty for two that have all. */
function commonOf<Name>(one: ReadonlySet<Name> | null, other: ReadonlySet<Name> | null): Name[] {
  return [...(one ?? other ?? [])].filter((name) => other === null || other.has(name));
}

function sameSet<Name>(one: ReadonlySet<Name> | null, other: ReadonlySet<Name> | null): boolean {
  if (one === null || other === null) return one === other;
  return one.size === other.size && commonOf(one, other).length === one.size;
}

function sameVariants(some: readonly Variant[], others: readonly Variant[]): boolean {
  return (
    some.length === others.length &&
    some.every((variant, i) => {
      const other = others[i];
      return (
        variant.name === other?.name &&
        variant.weight === other.weight &&
        variant.rulesVersion === other.rulesVersion &&
        variant.modelVersion === other.modelVersion
      );
    })
  );
}
