/**
 * Gives an edge that has nothing what comes with the project: regions, their past, rules, a model.
 *
 * Runs at each start of the local stack, through the API that production uses. What is in force already stays, unless it
 * is an earlier version from here.
 */
import type { VirtualClock } from "../../contract/clock.ts";
import { regionsVersionOf } from "../../contract/regions.ts";
import { HISTORY } from "../../data/nyc/period.ts";
import type { EpochMs, RegionId } from "../../domain/units.ts";
import { type EdgeFault, type EdgeResult, isEdgeFault } from "../edge/ask-edge.ts";
import type { EdgeClient } from "../edge/edge-client.ts";
import type { ImportFault } from "../offline/import-rows.ts";
import { loadBookings } from "../offline/load-bookings.ts";
import type { OfflineStore } from "../offline/offline-store.ts";
import { importShippedTables } from "../offline/shipped.ts";
import { isDue } from "./is-due.ts";
import {
  forgetPublications,
  type PublicationKind,
  publishedVersion,
  recordPublication,
  seededRegions,
} from "./publications.ts";
import { seedFrom, seedPlanFrom } from "./seed-plan.ts";
import { loadShippedFiles, type ShippedFiles } from "./shipped-files.ts";

export interface ProvisionPorts {
  store: OfflineStore;
  edge: EdgeClient;
  /** Null: event time is the wall clock's. */
  clock: VirtualClock | null;
  wallNow: () => EpochMs;
  /** Hears of each thing done. */
  onStep: (step: ProvisionStep) => void;
}

export type ProvisionStep =
  | { what: "imported"; file: string; rows: number }
  | { what: "published"; kind: PublicationKind; version: string }
  | { what: "seeded"; done: number; total: number };

export type ProvisionFault = EdgeFault | ImportFault;

/** Requests of histories under way at once. */
const CONCURRENT_SEEDS = 4;

/** Returns null when the edge has everything, else what stood in the way. */
export async function provision(ports: ProvisionPorts): Promise<ProvisionFault | null> {
  const { store, edge, onStep } = ports;
  const shipped = await loadShippedFiles();
  for (const report of await importShippedTables(store, new Date(ports.wallNow()))) {
    if ("reason" in report) return report;
    if (!report.known) onStep({ what: "imported", file: report.file, rows: report.rows });
  }
  const inForce = await readInForce(edge);
  if (isEdgeFault(inForce)) return inForce;
  // An edge without regions never heard of anything: what was published before went elsewhere.
  if (inForce.regions === null) await forgetPublications(store.database);
  return (
    (await publishWhenDue(ports, "regions", shipped.regions.version, inForce.regions, () =>
      edge.publishRegions(shipped.regions.value),
    )) ??
    (await seedHistories(ports, shipped)) ??
    (await publishWhenDue(ports, "rules", shipped.rules.version, inForce.rules, () =>
      edge.publishRules(shipped.rules.value),
    )) ??
    (await publishWhenDue(ports, "model", shipped.model.version, inForce.model, async () => {
      const registered = await edge.registerModel(shipped.model.value);
      return isEdgeFault(registered) ? registered : edge.publishModel(shipped.model.version);
    }))
  );
}

/** Versions; null where nothing was published. */
interface InForce {
  regions: string | null;
  rules: string | null;
  model: string | null;
}

async function readInForce(edge: EdgeClient): Promise<EdgeResult<InForce>> {
  const regions = await edge.readRegions();
  if (isEdgeFault(regions) && regions.reason !== "not_published") return regions;
  const rules = await edge.readRules();
  if (isEdgeFault(rules) && rules.reason !== "not_published") return rules;
  const models = await edge.readModels();
  if (isEdgeFault(models)) return models;
  return {
    regions: isEdgeFault(regions) ? null : regionsVersionOf(regions),
    rules: isEdgeFault(rules) ? null : rules.version,
    model: models.models.find(({ current }) => current)?.version ?? null,
  };
}

async function publishWhenDue(
  { store, wallNow, onStep }: ProvisionPorts,
  kind: Exclude<PublicationKind, "history">,
  shipped: string,
  inForce: string | null,
  publish: () => Promise<EdgeResult<{ version: string }>>,
): Promise<EdgeFault | null> {
  const recorded = await publishedVersion(store.database, kind);
  if (!isDue({ shipped, inForce, recorded })) return null;
  const published = await publish();
  if (isEdgeFault(published)) return published;
  const { version } = published;
  await recordPublication(store.database, { kind, version, publishedAt: new Date(wallNow()) });
  onStep({ what: "published", kind, version });
  return null;
}

/** Tells each region its past, once: later it has one of its own. */
async function seedHistories(
  { store, edge, clock, wallNow, onStep }: ProvisionPorts,
  { regions }: ShippedFiles,
): Promise<EdgeFault | null> {
  const seeded = await seededRegions(store.database);
  const waiting = regions.value.regions
    .map(({ region_id, timezone }) => ({ regionId: region_id as RegionId, timeZone: timezone }))
    .filter(({ regionId }) => !seeded.has(regionId));
  const total = waiting.length;
  if (total === 0) return null;
  const plan = seedPlanFrom(clock, wallNow(), HISTORY.endAt);
  const table = await loadBookings(store, plan.recordedUntil);
  if (table === null) return null;

  let done = 0;
  let fault: EdgeFault | null = null;
  const seedNext = async () => {
    for (let region = waiting.pop(); region && !fault; region = waiting.pop()) {
      const { regionId } = region;
      const answer = await edge.seedHistory(regionId, seedFrom(table, region, plan));
      if (isEdgeFault(answer)) fault = answer;
      else {
        const version = new Date(plan.recordedUntil + plan.shiftMs).toISOString();
        const publishedAt = new Date(wallNow());
        await recordPublication(store.database, {
          kind: "history",
          target: regionId,
          version,
          publishedAt,
        });
        onStep({ what: "seeded", done: ++done, total });
      }
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT_SEEDS }, seedNext));
  return fault;
}
