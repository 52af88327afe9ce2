/**
 * The experiments that run, ready to price by: what their variants name is in memory, so that a request waits for none of it.
 *
 * An experiment is ready as a whole or not at all. Were users of one variant exposed while another was still being read, the split
 * would lean to one side, and what is measured with it.
 */
import type { Log } from "../../../contract/log.ts";
import type { Counter, Metrics } from "../../../contract/metrics.ts";
import type { Hash64, PersonHashes } from "../../../contract/person-hashes.ts";
import { Assigner } from "../../../domain/assignment.ts";
import type { ExperimentArm } from "../../../domain/decision.ts";
import {
  type Experiment,
  type ExperimentsDocument,
  runningFor,
  type Variant,
} from "../../../domain/experiment.ts";
import type { ModelVersion, ProductType, RegionId } from "../../../domain/units.ts";
import type { Catalog } from "../catalog.ts";
import type { KnownRules } from "../documents.ts";
import type { Models } from "../model/models.ts";

/** A variant that can be priced by. */
export interface ReadyVariant {
  arm: ExperimentArm;
  /** Of the experiment, in this isolate, from 1. */
  experimentNumber: number;
  /** Null: the rules in force. */
  rules: KnownRules | null;
  /** Null: the model in force. */
  modelVersion: ModelVersion | null;
  assigned: Counter;
  exposed: Counter;
}

interface ReadyExperiment {
  assigner: Assigner;
  byVariant: ReadonlyMap<Variant, ReadyVariant>;
}

/** Which variant somebody gets. The object is reused by the next call. */
export interface Given {
  variant: ReadyVariant;
  user: Hash64;
}

export interface Board {
  /** Reads what the variants of the document in force name. Never rejects; what cannot be read is tried again with the next call. */
  prepare(): Promise<void>;
  /** The variant that a user's price is made by; null outside of experiments. */
  given(asked: {
    region_id: RegionId;
    product_type: ProductType;
    user_id?: string | undefined;
  }): Given | null;
}

export interface BoardPorts {
  catalog: Pick<Catalog, "inForce" | "rulesOf">;
  models: Models;
  hashes: PersonHashes;
  log: Log;
  metrics: Metrics;
}

export function createBoard({ catalog, models, hashes, log, metrics }: BoardPorts): Board {
  let document: ExperimentsDocument | null = null;
  /** Variants whose rules and models are in memory, by all that they are. */
  let known = new Map<string, ReadyVariant>();
  let ready = new Map<Experiment, ReadyExperiment>();
  /** By region and product; null where none runs. */
  let places = new Map<RegionId, Map<ProductType, ReadyExperiment | null>>();
  const numbers = new Map<string, number>();
  let unready = 0;
  metrics.gauge(
    "pricing_experiments_unready",
    "Running experiments that price nothing, because what a variant names cannot be read.",
    () => unready,
  );

  function numberOf(experimentId: string): number {
    const number = numbers.get(experimentId) ?? numbers.size + 1;
    numbers.set(experimentId, number);
    return number;
  }

  async function read(id: string, variant: Variant): Promise<ReadyVariant | null> {
    const { rulesVersion, modelVersion } = variant;
    const rules = rulesVersion === null ? null : await catalog.rulesOf(rulesVersion);
    if (rules && rules.kind !== "loaded") return null;
    if (modelVersion !== null && (await models.load(modelVersion)).kind !== "loaded") return null;
    const labels = { experiment: id, variant: variant.name };
    return {
      arm: { id, variant: variant.name },
      ...{ experimentNumber: numberOf(id), rules: rules?.value ?? null, modelVersion },
      assigned: metrics.counter(
        "pricing_experiment_prices_total",
        "Prices told by the variant of an experiment.",
        labels,
      ),
      exposed: metrics.counter(
        "pricing_experiment_exposures_total",
        "Users told a price of an experiment, as this isolate first saw each.",
        labels,
      ),
    };
  }

  /** An experiment with its variants, or null while one of them is not in memory. */
  function readyFrom(experiment: Experiment, { holdout }: ExperimentsDocument) {
    const byVariant = new Map<Variant, ReadyVariant>();
    for (const variant of experiment.variants) {
      const one = known.get(nameOf(experiment, variant));
      if (!one) return null;
      byVariant.set(variant, one);
    }
    return { assigner: new Assigner(experiment, holdout), byVariant };
  }

  /** Goes by the document in force, with what is in memory: what was stopped is over at once, what goes on goes on. */
  function settle(isNewsRead: boolean): void {
    const current = catalog.inForce().experiments?.document ?? null;
    if (current === document && !isNewsRead) return;
    document = current;
    const running = runningIn(current);
    ready = new Map();
    for (const experiment of running) {
      const one = current && readyFrom(experiment, current);
      if (one) ready.set(experiment, one);
    }
    places = new Map();
    unready = running.length - ready.size;
  }

  function readyFor(regionId: RegionId, productType: ProductType): ReadyExperiment | null {
    const products = places.get(regionId) ?? new Map<ProductType, ReadyExperiment | null>();
    places.set(regionId, products);
    const found = products.get(productType);
    if (found !== undefined) return found;
    const running = document && runningFor(document, regionId, productType);
    const one = (running && ready.get(running)) ?? null;
    products.set(productType, one);
    return one;
  }

  return {
    async prepare() {
      settle(false);
      const running = runningIn(document);
      models.pin(
        "experiments",
        running.flatMap(({ variants }) => modelsOf(variants)),
      );
      const named = running.flatMap((experiment) =>
        experiment.variants.map(
          (variant) => [nameOf(experiment, variant), experiment, variant] as const,
        ),
      );
      const inMemory = new Map<string, ReadyVariant>();
      for (const [name, { experimentId }, variant] of named) {
        const one = known.get(name) ?? (await read(experimentId, variant));
        if (one) inMemory.set(name, one);
        else
          log("warn", "a variant is not ready; its experiment prices nothing", {
            experimentId,
            variant: variant.name,
          });
      }
      known = inMemory;
      settle(true);
    },
    given({ region_id, product_type, user_id }) {
      settle(false);
      if (ready.size === 0 || user_id === undefined) return null;
      const running = readyFor(region_id, product_type);
      if (!running) return null;
      const user = hashes.ofPerson(user_id);
      const assigned = running.assigner.assign(user);
      const variant = assigned && running.byVariant.get(assigned);
      if (!variant) return null;
      given.variant = variant;
      given.user = user;
      return given;
    },
  };
}

// One object for all: it is read before the next request.
const given = {} as Given;

function runningIn(document: ExperimentsDocument | null): Experiment[] {
  return document?.experiments.filter(({ status }) => status === "running") ?? [];
}

function modelsOf(variants: readonly Variant[]): ModelVersion[] {
  return variants.flatMap(({ modelVersion }) => modelVersion ?? []);
}

/** All that a variant is, for a draft may be changed under the same names. */
function nameOf(
  { experimentId }: Experiment,
  { name, rulesVersion, modelVersion }: Variant,
): string {
  return [experimentId, name, rulesVersion, modelVersion].join(" ");
}
