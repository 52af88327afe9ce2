/** Experiments under /admin/v1: the document, and what is done with one experiment of it. */
import {
  type ExperimentsDocumentInput,
  MAX_EXPERIMENTS_BODY_BYTES,
  rampSchema,
} from "../../../contract/experiments.ts";
import { instantText } from "../../../contract/names.ts";
import type { FieldError, Problem } from "../../../contract/problem.ts";
import { experimentsKey } from "../../../contract/store-keys.ts";
import type { VersionedExperiments } from "../../../domain/experiment.ts";
import { faultsOfChange, faultsOfPlaces } from "../../../domain/experiment-faults.ts";
import { type AdminPorts, answered, keyIdOf, putInForce, tagged } from "../admin/config-changes.ts";
import type { Call } from "../call.ts";
import { checked, readJson } from "../read-body.ts";
import type { Handler } from "../router.ts";
import {
  type KnownExperiments,
  knownExperimentsFrom,
  NO_EXPERIMENTS_JSON,
} from "./known-experiments.ts";
import { faultsOfVariants, type VariantSources } from "./variant-sources.ts";

export type ExperimentPorts = AdminPorts & VariantSources;
type ExperimentInput = ExperimentsDocumentInput["experiments"][number];

/** GET /admin/v1/experiments */
export function readExperiments({ catalog }: AdminPorts): Handler {
  return async () => {
    await catalog.renewIfUnknown();
    const { experiments } = catalog.inForce();
    if (experiments === null) return { type: "not_published" };
    const { version, json } = experiments;
    return tagged(version, { version, document: json });
  };
}

/** PUT /admin/v1/experiments: the whole document. */
export function publishExperiments(ports: ExperimentPorts): Handler {
  return async (call) => {
    const body = await readJson(call.request, MAX_EXPERIMENTS_BODY_BYTES);
    if (!("json" in body)) return body;
    return publish(ports, call, () => body);
  };
}

/** POST /admin/v1/experiments/{id}/start */
export function startExperiment(ports: ExperimentPorts): Handler {
  return (call) =>
    changeOne(ports, call, ({ stopped_at: _, ...experiment }) => ({
      ...experiment,
      status: "running",
      started_at: experiment.started_at ?? instantText(call.now),
    }));
}

/** POST /admin/v1/experiments/{id}/stop: everybody gets what is in force again. */
export function stopExperiment(ports: ExperimentPorts): Handler {
  return (call) =>
    changeOne(ports, call, (experiment) => ({
      ...experiment,
      status: "stopped",
      started_at: experiment.started_at ?? instantText(call.now),
      stopped_at: instantText(call.now),
    }));
}

/** POST /admin/v1/experiments/{id}/ramp: more traffic adds users, less gives some of them up. */
export function rampExperiment(ports: ExperimentPorts): Handler {
  return async (call) => {
    const body = await readJson(call.request, MAX_EXPERIMENTS_BODY_BYTES);
    if (!("json" in body)) return body;
    const input = checked(rampSchema, body.json);
    if ("type" in input) return input;
    const { traffic } = input.value;
    return changeOne(ports, call, (experiment) => ({ ...experiment, traffic }));
  };
}

async function changeOne(
  ports: ExperimentPorts,
  call: Call,
  change: (experiment: ExperimentInput) => ExperimentInput,
): Promise<Response | Problem> {
  const id = call.param("id");
  return publish(ports, call, (current) => {
    // It was read by the schema before it came into force.
    const document = (current?.json ?? NO_EXPERIMENTS_JSON) as ExperimentsDocumentInput;
    if (!document.experiments.some((one) => one.id === id)) {
      return { type: "unknown_experiment", detail: `No experiment is called ${id}.` };
    }
    const experiments = document.experiments.map((one) => (one.id === id ? change(one) : one));
    return { json: { ...document, experiments } };
  });
}

/** Puts in force what `next` makes of the document in force, if that is sound. */
async function publish(
  ports: ExperimentPorts,
  call: Call,
  next: (current: KnownExperiments | null) => { json: unknown } | Problem,
): Promise<Response | Problem> {
  const { catalog } = ports;
  // What others changed meanwhile counts, not what this isolate saw last.
  await catalog.renew();
  const current = catalog.inForce().experiments;
  const changed = next(current);
  if (!("json" in changed)) return changed;
  const experiments = dated(changed.json, current, call.now);
  if (Array.isArray(experiments)) return { type: "invalid_experiments", errors: experiments };
  const errors = await faultsInPlace(ports, current, experiments);
  if (errors.length > 0) return { type: "invalid_experiments", errors };
  const { version } = experiments;
  const document = { key: experimentsKey(version), text: JSON.stringify(experiments.json) };
  return answered(
    await putInForce(ports, {
      ...{ what: "experiments", version, by: keyIdOf(call), request: call.request, document },
    }),
  );
}

/** The document with the time of each experiment's first start, whatever it was handed in with: what has begun has begun. */
function dated(
  json: unknown,
  current: KnownExperiments | null,
  now: number,
): KnownExperiments | FieldError[] {
  const read = knownExperimentsFrom(json);
  if (Array.isArray(read)) return read;
  const document = json as ExperimentsDocumentInput;
  const before = (current?.json ?? NO_EXPERIMENTS_JSON) as ExperimentsDocumentInput;
  const experiments = document.experiments.map((one) => {
    const known = before.experiments.find(({ id }) => id === one.id);
    const startedAt =
      known?.started_at ?? one.started_at ?? (one.status === "running" ? instantText(now) : null);
    return startedAt === null ? one : { ...one, started_at: startedAt };
  });
  return knownExperimentsFrom({ ...document, experiments });
}

const MAX_LISTED_FAULTS = 50;

/** What keeps a sound document from being used here and now. */
async function faultsInPlace(
  ports: ExperimentPorts,
  current: VersionedExperiments | null,
  { document }: VersionedExperiments,
): Promise<FieldError[]> {
  const { catalog } = ports;
  const { regions } = catalog.inForce();
  const faults = [
    ...(current ? faultsOfChange(current.document, document) : []),
    ...faultsOfPlaces(document, regions.byId),
  ].map(({ path, detail }) => ({ path, detail }));
  const unusable = faults.length > 0 ? [] : await faultsOfVariants(ports, document);
  return [...faults, ...unusable].slice(0, MAX_LISTED_FAULTS);
}
