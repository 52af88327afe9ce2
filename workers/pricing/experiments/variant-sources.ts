/** Where the rules and models of variants come from, and what keeps variants from being priced by them. */
import type { FieldError } from "../../../contract/problem.ts";
import type { Experiment, ExperimentsDocument, Variant } from "../../../domain/experiment.ts";
import type { Region } from "../../../domain/region.ts";
import { faultsInRegions } from "../../../domain/rule-faults.ts";
import type { Catalog } from "../catalog.ts";
import type { Models } from "../model/models.ts";
import type { Loaded } from "../slot.ts";

export interface VariantSources {
  catalog: Catalog;
  models: Models;
}

/** What a running experiment names that is not there, cannot be used, or does not price what the experiment is for. */
export async function faultsOfVariants(
  sources: VariantSources,
  { experiments }: ExperimentsDocument,
): Promise<FieldError[]> {
  const faults = await Promise.all(
    experiments.map((experiment, i) =>
      experiment.status === "running"
        ? Promise.all(
            experiment.variants.map((variant, j) => {
              return faultsOf(sources, experiment, variant, `experiments[${i}].variants[${j}]`);
            }),
          )
        : [],
    ),
  );
  return faults.flat(2);
}

async function faultsOf(
  { catalog, models }: VariantSources,
  experiment: Experiment,
  { rulesVersion, modelVersion }: Variant,
  path: string,
): Promise<FieldError[]> {
  const faults: FieldError[] = [];
  if (rulesVersion !== null) {
    const field = `${path}.rules_version`;
    const rules = await catalog.rulesOf(rulesVersion);
    if (rules.kind === "loaded") {
      const some = placesOf(experiment, catalog.inForce().regions.byId.values());
      faults.push(
        ...faultsInRegions(rules.value.document, some).map(({ path: place, detail }) => ({
          path: field,
          detail: `${place}: ${detail}`,
        })),
      );
    } else faults.push({ path: field, detail: reasonOf(rules, rulesVersion) });
  }
  if (modelVersion !== null) {
    const model = await models.load(modelVersion);
    if (model.kind !== "loaded") {
      faults.push({ path: `${path}.model_version`, detail: reasonOf(model, modelVersion) });
    }
  }
  return faults;
}

/** The regions of an experiment, each with what it sells of the experiment's products. */
function placesOf({ regions, productTypes }: Experiment, all: Iterable<Region>): Region[] {
  return [...all]
    .filter(({ regionId }) => regions === null || regions.has(regionId))
    .map((region) => ({
      ...region,
      productTypes: region.productTypes.filter(
        (product) => productTypes === null || productTypes.has(product),
      ),
    }));
}

function reasonOf<Value>(
  loaded: Exclude<Loaded<Value>, { kind: "loaded" }>,
  version: string,
): string {
  switch (loaded.kind) {
    case "missing":
      return `There is no ${version}; publish it first.`;
    case "refused":
      return `${version} cannot be used.`;
    case "unavailable":
      return `${version} could not be read now; try again.`;
  }
}
