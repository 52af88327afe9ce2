/** What prices are made by: the regions, the rules and the model in force, as this isolate knows them. */
import { messageOf } from "../../contract/log.ts";
import type { FieldError } from "../../contract/problem.ts";
import { POINTER, regionsKey, rulesKey } from "../../contract/store-keys.ts";
import type { ModelVersion, RulesVersion } from "../../domain/units.ts";
import {
  type KnownRegions,
  type KnownRules,
  knownRegionsFrom,
  knownRulesFrom,
  SHIPPED,
} from "./documents.ts";
import type { LoadedModel } from "./model/load-model.ts";
import type { Models } from "./model/models.ts";
import { createSingleFlight, until } from "./single-flight.ts";
import { createSlot, type Loaded, type SlotPorts } from "./slot.ts";

/** A new object whenever one of the three changes, so that what was made by an earlier one can tell. */
export interface InForce {
  regions: KnownRegions;
  rules: KnownRules;
  /** Null while none is loaded. */
  model: LoadedModel | null;
}

export interface Catalog {
  inForce(): InForce;
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
  /** What was published last, by kind; as `Slot.published`. */
  published(): Record<"rules" | "regions" | "model", string | null | undefined>;
  /** Rules of any version, for explanations. */
  rulesOf(version: RulesVersion): Promise<Loaded<KnownRules>>;
}

const RENEW_EVERY_MS = 10_000;
/** While it is not known what is in force, the question is asked more often. */
const RETRY_EVERY_MS = 1_000;
/** Two questions to KV, and to spare; a model is read and compiled. */
const LONGEST_RENEWAL_MS = { documents: 5_000, model: 30_000 };
const MAX_REMEMBERED_RULES = 8;

export function createCatalog(
  ports: SlotPorts & { models: Models; wallNow: () => number },
): Catalog {
  const { config, configDependency, models, wallNow } = ports;
  let inForce: InForce = { ...SHIPPED, model: null };
  let documentsAskedAt = Number.NEGATIVE_INFINITY;
  let asked = false;
  let firstAskedAt: number | null = null;
  const remembered = new Map<RulesVersion, KnownRules>([[SHIPPED.rules.version, SHIPPED.rules]]);

  const rules = createSlot<KnownRules>(ports, {
    what: "rules",
    pointer: POINTER.rules,
    initial: SHIPPED.rules,
    load: (version) => rulesOf(version as RulesVersion),
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
  const model = createSlot<LoadedModel>(ports, {
    what: "model",
    pointer: POINTER.model,
    initial: null,
    load: (version) => models.load(version as ModelVersion),
    onSwap: (value) => {
      models.pin(value.version);
      inForce = { ...inForce, model: value };
    },
  });

  async function rulesOf(version: RulesVersion): Promise<Loaded<KnownRules>> {
    const known = remembered.get(version);
    if (known) return { kind: "loaded", value: known };
    const loaded = await loadDocument(rulesKey(version), knownRulesFrom);
    if (loaded.kind === "loaded") {
      const [oldest] = remembered.keys();
      if (oldest && remembered.size >= MAX_REMEMBERED_RULES) remembered.delete(oldest);
      remembered.set(version, loaded.value);
    }
    return loaded;
  }

  async function loadDocument<Value>(
    key: string,
    from: (json: unknown) => Value | FieldError[],
  ): Promise<Loaded<Value>> {
    const answer = await configDependency.ask(() => config.get(key));
    if (!answer.ok) return { kind: "unavailable" };
    if (answer.value === null) return { kind: "missing" };
    const parsed = parsedFrom(answer.value, from);
    return Array.isArray(parsed)
      ? { kind: "refused", faults: parsed }
      : { kind: "loaded", value: parsed };
  }

  const documentsFlight = createSingleFlight(
    async () => {
      documentsAskedAt = wallNow();
      firstAskedAt ??= documentsAskedAt;
      await Promise.all([rules.renew(), regions.renew()]);
      asked = true;
    },
    wallNow,
    LONGEST_RENEWAL_MS.documents,
  );
  const modelFlight = createSingleFlight(() => model.renew(), wallNow, LONGEST_RENEWAL_MS.model);
  const isRenewing = () => documentsFlight.isUnderWay() || modelFlight.isUnderWay();
  function beginRenewal(): Promise<unknown> | null {
    const begun = [documentsFlight.begin(), modelFlight.begin()].filter((one) => one !== null);
    return begun.length > 0 ? Promise.all(begun) : null;
  }
  const published = () => ({
    rules: rules.published(),
    regions: regions.published(),
    model: model.published(),
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
    isDue(now) {
      const sinceMs = now - documentsAskedAt;
      return sinceMs >= RENEW_EVERY_MS || (sinceMs >= RETRY_EVERY_MS && !isSettled());
    },
    beginRenewal,
    async renew() {
      await until(() => !isRenewing(), LONGEST_RENEWAL_MS.model);
      await beginRenewal();
    },
    async renewIfUnknown() {
      if (asked) return;
      await (documentsFlight.begin() ?? until(() => asked, LONGEST_RENEWAL_MS.documents));
    },
    published,
    rulesOf,
  };
}

function parsedFrom<Value>(
  text: string,
  from: (json: unknown) => Value | FieldError[],
): Value | FieldError[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return [{ path: "", detail: `Not JSON: ${messageOf(error)}` }];
  }
  return from(json);
}
