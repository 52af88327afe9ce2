/** Makes a decision again from what its key names, wherever that is still to be had. */
import type { Problem } from "../../../contract/problem.ts";
import { type Decision, type DecisionKey, decide, textOfKey } from "../../../domain/decision.ts";
import type { DemandForecast } from "../../../domain/forecast.ts";
import type { Region } from "../../../domain/region.ts";
import type { FeatureSnapshot } from "../../../domain/snapshot.ts";
import type { Catalog } from "../catalog.ts";
import type { Cells } from "../cells.ts";
import type { DecisionRecord } from "../decision-log.ts";
import { type EdgeDatabase, findDecision } from "../decision-store.ts";
import type { SegmentStore } from "../decisions/segment-store.ts";
import type { Dependency } from "../dependency.ts";
import type { KnownEmergency, KnownRules } from "../documents.ts";
import type { Models } from "../model/models.ts";
import type { RegionWindows } from "../stores.ts";

/** A decision, what it was made from, and whether making it again gave the same. */
export interface Replay {
  region: Region;
  rules: KnownRules;
  /** What bore on the price; null where nothing did. */
  emergency: KnownEmergency | null;
  snapshot: FeatureSnapshot | null;
  forecast: DemandForecast | null;
  decision: Decision;
  /** When the log first had it; null while it has not. */
  decidedAt: number | null;
  replayed: boolean;
}

export interface ReplayPorts {
  catalog: Catalog;
  cells: Cells;
  models: Models;
  regionWindows: RegionWindows;
  regions: Dependency;
  database: EdgeDatabase;
  segments: SegmentStore;
  databaseDependency: Dependency;
}

type Found<Value> = { value: Value } | { problem: Problem };

const UNKNOWN: { problem: Problem } = {
  problem: {
    type: "unknown_decision",
    detail: "It was never made, or longer ago than decisions are kept.",
  },
};
const unavailable = (what: string): { problem: Problem } => ({
  problem: { type: "unavailable", detail: `${what} cannot be read at the moment.`, retryAfterS: 2 },
});

/**
 * Finds the inputs of a decision, the log's first, else those that are kept by version, and decides again. A key whose
 * price cannot be recomputed and that the log does not know names no decision.
 */
export async function replay(ports: ReplayPorts, key: DecisionKey): Promise<Replay | Problem> {
  const { catalog, database, segments, databaseDependency } = ports;
  const [logged, rules, measures] = await Promise.all([
    databaseDependency.ask(() => findDecision({ database, segments }, textOfKey(key))),
    catalog.rulesOf(key.rulesVersion),
    key.emergencyVersion && catalog.emergencyOf(key.emergencyVersion),
  ]);
  const record = logged.ok ? logged.value : null;
  const region = record?.region ?? catalog.inForce().regions.byId.get(key.regionId);
  if (rules.kind === "unavailable") return unavailable("The rules").problem;
  if (rules.kind !== "loaded" || !region) return UNKNOWN.problem;
  if (measures?.kind === "unavailable") return unavailable("The emergency measures").problem;
  if (measures && measures.kind !== "loaded") return UNKNOWN.problem;
  const emergency = measures?.value ?? null;

  const snapshot = await snapshotOf(ports, key, record);
  if ("problem" in snapshot) return snapshot.problem;
  const forecast = await forecastOf(ports, key, snapshot.value, record);
  if ("problem" in forecast) return forecast.problem;

  const again = decide({
    region,
    productType: key.productType,
    rules: rules.value,
    snapshot: snapshot.value,
    forecast: forecast.value,
    source: key.source,
    emergency,
    experiment: key.experiment,
    attributes: key.attributes,
    time: { period: key.period },
  });
  if ("reason" in again) return UNKNOWN.problem;
  const replayed =
    textOfKey(again.key) === textOfKey(key) && (!record || isSame(again, record.decision));
  if (!replayed && !record) return UNKNOWN.problem;
  return {
    region,
    rules: rules.value,
    emergency,
    snapshot: snapshot.value,
    forecast: forecast.value,
    decision: record?.decision ?? again,
    decidedAt: record?.decidedAt ?? null,
    replayed,
  };
}

async function snapshotOf(
  { cells, catalog, regionWindows, regions }: ReplayPorts,
  { regionId, tick }: DecisionKey,
  record: DecisionRecord | null,
): Promise<Found<FeatureSnapshot | null>> {
  if (tick === 0) return { value: null };
  if (record) return { value: record.snapshot };
  const region = catalog.inForce().regions.byId.get(regionId);
  const atHand = region && cells.of(region).snapshot;
  if (atHand?.tick === tick) return { value: atHand };
  const kept = await regions.ask(() => regionWindows(regionId).snapshotAt(tick));
  if (!kept.ok) return unavailable("The region's past");
  return kept.value ? { value: kept.value } : UNKNOWN;
}

/** The forecast, made again by the model that made it; the recorded one where that model is gone. */
async function forecastOf(
  { models }: ReplayPorts,
  { source, modelVersion }: DecisionKey,
  snapshot: FeatureSnapshot | null,
  record: DecisionRecord | null,
): Promise<Found<DemandForecast | null>> {
  if (source === "rules_only") return { value: null };
  if (!snapshot || !modelVersion) return UNKNOWN;
  if (source === "last_forecast") return { value: snapshot.lastForecast };
  const model = await models.load(modelVersion);
  if (model.kind === "loaded") return { value: model.value.forecast(snapshot) };
  if (record) return { value: record.forecast };
  return model.kind === "unavailable" ? unavailable("The model") : UNKNOWN;
}

/** Equal to the last bit: a decision is a pure function of its inputs. */
function isSame(again: Decision, recorded: Decision): boolean {
  return JSON.stringify(again) === JSON.stringify(recorded);
}
