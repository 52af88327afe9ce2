/** What prices are made by: the regions, the rules, the emergency measures and the model in force, as this isolate knows them. */
import { messageOf } from "../../contract/log.ts";
import type { FieldError } from "../../contract/problem.ts";
import {
  emergencyKey,
  experimentsKey,
  POINTER,
  regionsKey,
  rulesKey,
} from "../../contract/store-keys.ts";
import type { EmergencyVersion, ModelVersion, RulesVersion } from "../../domain/units.ts";
import { TURNED_AWAY_RETRY_MS } from "./dependency.ts";
import {
  type KnownEmergency,
  type KnownRegions,
  type KnownRules,
  knownEmergencyFrom,
  knownRegionsFrom,
  knownRulesFrom,
  SHIPPED,
} from "./documents.ts";
import { type KnownExperiments, knownExperimentsFrom } from "./experiments/known-experiments.ts";
import type { LoadedModel } from "./model/load-model.ts";
import type { Models } from "./model/models.ts";
import { createSingleFlight, until } from "./single-flight.ts";
import { createSlot, type Loaded, type SlotPorts } from "./slot.ts";

/** A new object whenever one of them changes, so that what was made by an earlier one can tell. */
export interface InForce {
  regions: KnownRegions;
  rules: KnownRules;
  /** Null while no measure was ever taken. */
  emergency: KnownEmergency | null;
  /** Null while none were ever published. */
  experiments: KnownExperiments | null;
  /** Null while none is loaded. */
  model: LoadedModel | null;
}

export interface Catalog {
  inForce(): InForce;
  /**
   * How long a request has to wait for news of emergency measures, in milliseconds: 0 but for the first ones after a silence, for
   * what was looked at longer ago than a measure may take to be in force is not good enough to price by.
   */
  graceMs(now: number): number;
  /** True once the pointers of rules and regions were asked for, whatever came of it. */
  hasAsked(): boolean;
  /** When they were asked for first, wall clock. */
  coldSince(): number;
  /** Whether it is time to look for newer versions. */
  isDue(now: number): boolean;
  /** Begins to look for newer rules, regions and model; null when that is under way. */
  beginRenewal(): Promise<unknown> | null;
  /** Looks for them, from now on: what was begun before may have missed the news. */
  renew(): Promise<void>;
  /** Looks for rules and regions if that was never done. */
  renewIfUnknown(): Promise<void>;
  /** Has something done after each look for newer documents, beside requests. */
  follow(work: () => Promise<void>): void;
  /** What was published last, by kind; as `Slot.published`. */
  published(): Record<keyof typeof POINTER, string | null | undefined>;
  /** Rules of any version, for explanations. */
  rulesOf(version: RulesVersion): Promise<Loaded<KnownRules>>;
  /** Emergency measures of any version, for explanations. */
  emergencyOf(version: EmergencyVersion): Promise<Loaded<KnownEmergency>>;
}

const RENEW_EVERY_MS = 10_000;
/** A measure is in force everywhere within ten seconds of being seen in KV, also where nobody asked for a while. */
const RENEW_EMERGENCY_EVERY_MS = 4_000;
const EMERGENCY_COUNTS_MS = 8_000;
const LONGEST_GRACE_MS = 250;
/** While it is not known what is in force, the question is asked more often. */
const RETRY_EVERY_MS = 500;
/** Two questions to KV, and to spare. A model that is not read by then is asked for again, so one question that hangs holds nothing up. */
const LONGEST_RENEWAL_MS = { documents: 5_000, emergency: 5_000, model: 1_500 };
const LONGEST_WAIT_MS = 30_000;
const MAX_REMEMBERED_RULES = 8;

export function createCatalog(
  ports: SlotPorts & { models: Models; wallNow: () => number },
): Catalog {
  const { config, configDependency, models, wallNow } = ports;
  let inForce: InForce = { ...SHIPPED, emergency: null, experiments: null, model: null };
  let emergencyAskedAt = Number.NEGATIVE_INFINITY;
  let emergencyKnownAt = Number.NEGATIVE_INFINITY;
  let documentsAskedAt = Number.NEGATIVE_INFINITY;
  let asked = false;
  let firstAskedAt: number | null = null;
  const remembered = new Map<RulesVersion, KnownRules>([[SHIPPED.rules.version, SHIPPED.rules]]);

  const rules = createSlot<KnownRules>(ports, {
    what: "rules",
    pointer: POINTER.rules,
    initial: SHIPPED.rules,
    load: rulesAt,
    onSwap: (value) => {
      inForce = { ...inForce, rules: value };
    },
  });
  const regions = createSlot<KnownRegions>(ports, {
    what: "regions",
    pointer: POINTER.regions,
    initial: SHIPPED.regions,
    load: (version) => loadDocument(regionsKey(version), knownRegionsFrom),
    onSwap: (value) => {
      inForce = { ...inForce, regions: value };
    },
  });
  const emergency = createSlot<KnownEmergency>(ports, {
    what: "emergency",
    pointer: POINTER.emergency,
    initial: null,
    load: (version) => loadDocument(emergencyKey(version as EmergencyVersion), knownEmergencyFrom),
    onSwap: (value) => {
      inForce = { ...inForce, emergency: value };
    },
  });
  const experiments = createSlot<KnownExperiments>(ports, {
    what: "experiments",
    pointer: POINTER.experiments,
    initial: null,
    load: (version) => loadDocument(experimentsKey(version), knownExperimentsFrom),
    onSwap: (value) => {
      inForce = { ...inForce, experiments: value };
    },
  });
  const model = createSlot<LoadedModel>(ports, {
    what: "model",
    pointer: POINTER.model,
    initial: null,
    load: (version) => models.load(version as ModelVersion),
    onSwap: (value) => {
      // The one before stays warm among the last used: a rollback takes no loading.
      models.pin("in force", [value.version]);
      inForce = { ...inForce, model: value };
    },
  });

  async function rulesOf(version: RulesVersion): Promise<Loaded<KnownRules>> {
    const known = remembered.get(version);
    if (known) return { kind: "loaded", value: known };
    const loaded = await loadDocument(rulesKey(version), knownRulesFrom);
    if (loaded.kind === "loaded" && loaded.value.version !== version) {
      // Somebody wrote over it: what was priced by the old content could not be explained by this.
      const detail = `The content is ${loaded.value.version}; put it under a key of its own.`;
      return { kind: "refused", faults: [{ path: "", detail }] };
    }
    if (loaded.kind === "loaded") {
      const [oldest] = remembered.keys();
      if (oldest && remembered.size >= MAX_REMEMBERED_RULES) remembered.delete(oldest);
      remembered.set(version, loaded.value);
    }
    return loaded;
  }

  /**
   * What the pointer of rules leads to: a version, the name of some other key under `rules/`, or the document itself, as whoever uses
   * bare wrangler puts it. A document under another name is kept under its version too, before anything is priced with it.
   */
  async function rulesAt(pointed: string): Promise<Loaded<KnownRules>> {
    const isDocument = pointed.startsWith("{");
    if (!isDocument && VERSION.test(pointed)) return rulesOf(pointed as RulesVersion);
    const found = isDocument
      ? loadedFrom(pointed, knownRulesFrom)
      : await loadDocument(rulesKey(pointed as RulesVersion), knownRulesFrom);
    if (found.kind !== "loaded") return found;
    const { version, json } = found.value;
    const kept = await configDependency.ask(() =>
      config.put(rulesKey(version), JSON.stringify(json)),
    );
    return kept.ok ? found : { kind: "unavailable" };
  }

  async function loadDocument<Value>(
    key: string,
    from: (json: unknown) => Value | FieldError[],
  ): Promise<Loaded<Value>> {
    const answer = await configDependency.ask(() => config.get(key));
    if (!answer.ok) return { kind: "unavailable" };
    if (answer.value === null) return { kind: "missing" };
    return loadedFrom(answer.value, from);
  }

  const emergencyFlight = createSingleFlight(
    async () => {
      emergencyAskedAt = wallNow();
      await emergency.renew();
      emergencyKnownAt = wallNow();
    },
    wallNow,
    LONGEST_RENEWAL_MS.emergency,
  );

  let following: (() => Promise<void>) | null = null;
  // It may load models, which must not keep the next look from being taken.
  const followFlight = createSingleFlight(
    async () => following?.(),
    wallNow,
    LONGEST_RENEWAL_MS.model,
  );
  const documentsFlight = createSingleFlight(
    async () => {
      documentsAskedAt = wallNow();
      firstAskedAt ??= documentsAskedAt;
      await Promise.all([rules.renew(), regions.renew(), experiments.renew()]);
      asked = true;
      await followFlight.begin();
    },
    wallNow,
    LONGEST_RENEWAL_MS.documents,
  );
  const modelFlight = createSingleFlight(() => model.renew(), wallNow, LONGEST_RENEWAL_MS.model);
  const isRenewing = () =>
    [documentsFlight, emergencyFlight, modelFlight].some((flight) => flight.isUnderWay());
  /** What was not answered is asked again soon: a breaker sees to it that this costs nothing. */
  function patienceMs(usualMs: number, slots: readonly { isUnanswered(): boolean }[]): number {
    return slots.some((slot) => slot.isUnanswered()) ? TURNED_AWAY_RETRY_MS : usualMs;
  }
  function isEmergencyDue(now: number): boolean {
    return now - emergencyAskedAt >= patienceMs(RENEW_EMERGENCY_EVERY_MS, [emergency]);
  }
  function areDocumentsDue(now: number): boolean {
    const usualMs = isSettled() ? RENEW_EVERY_MS : RETRY_EVERY_MS;
    return now - documentsAskedAt >= patienceMs(usualMs, [rules, regions, model]);
  }
  function beginRenewal(everything: boolean): Promise<unknown> | null {
    const now = wallNow();
    const begun = [
      ...(everything || isEmergencyDue(now) ? [emergencyFlight.begin()] : []),
      ...(everything || areDocumentsDue(now) ? [documentsFlight.begin(), modelFlight.begin()] : []),
    ].filter((one) => one !== null);
    return begun.length > 0 ? Promise.all(begun) : null;
  }
  const published = () => ({
    rules: rules.published(),
    regions: regions.published(),
    model: model.published(),
    emergency: emergency.published(),
    experiments: experiments.published(),
  });

  function isSettled(): boolean {
    const version = published();
    if (version.rules === undefined || version.regions === undefined) return false;
    return version.model === null || inForce.model !== null;
  }

  return {
    inForce: () => inForce,
    hasAsked: () => asked,
    coldSince: () => firstAskedAt ?? wallNow(),
    isDue: (now) => isEmergencyDue(now) || areDocumentsDue(now),
    graceMs(now) {
      if (now - emergencyKnownAt < EMERGENCY_COUNTS_MS || !emergencyFlight.isUnderWay()) return 0;
      return Math.max(0, LONGEST_GRACE_MS - (now - emergencyAskedAt));
    },
    beginRenewal: () => beginRenewal(false),
    async renew() {
      await until(() => !isRenewing(), LONGEST_WAIT_MS);
      await beginRenewal(true);
    },
    async renewIfUnknown() {
      if (asked) return;
      await (documentsFlight.begin() ?? until(() => asked, LONGEST_RENEWAL_MS.documents));
    },
    follow(work) {
      following = work;
    },
    published,
    rulesOf,
    emergencyOf: (version) => loadDocument(emergencyKey(version), knownEmergencyFrom),
  };
}

const VERSION = /^rul_[0-9a-f]{12}$/;

function loadedFrom<Value>(
  text: string,
  from: (json: unknown) => Value | FieldError[],
): Loaded<Value> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return { kind: "refused", faults: [{ path: "", detail: `Not JSON: ${messageOf(error)}` }] };
  }
  const read = from(json);
  return Array.isArray(read) ? { kind: "refused", faults: read } : { kind: "loaded", value: read };
}
