/**
 * Where a newer snapshot of a region is looked for, and in which order.
 *
 * The region's object says what is present. Where other isolates of this location ask it too, one of them a second is enough, and the
 * location's copy serves the rest. When the object does not answer, the location's copy stands in, then the one in KV.
 */
import type { Counter, Metrics } from "../../contract/metrics.ts";
import { snapshotKey } from "../../contract/store-keys.ts";
import type { Announced } from "../../domain/price-lows.ts";
import type { Region } from "../../domain/region.ts";
import type { FeatureSnapshot } from "../../domain/snapshot.ts";
import type { ToldBySlot } from "../../domain/told-prices.ts";
import { SECOND_MS } from "../../domain/units.ts";
import { type Dependency, TOO_LATE, within } from "./dependency.ts";
import type { Company, LocationCopies } from "./location-copies.ts";
import { snapshotFromCopy } from "./snapshot-copy.ts";
import type { ConfigStore, RegionWindows } from "./stores.ts";

/** A region whose snapshots are looked for. */
export interface Sought {
  readonly region: Region;
  /** The newest at hand. */
  snapshot: FeatureSnapshot | null;
  /** The breaker turned the last question away: whether the region's object answers is not known. */
  isTurnedAway: boolean;
  /** When others were last asked in its place, wall clock. */
  stoodInAt: number;
  /** Whether other isolates of this location ask for the region too. */
  readonly company: Company;
}

export interface SearchPorts {
  regionWindows: RegionWindows;
  regions: Dependency;
  /** Null where the location has no cache to share. */
  copies: LocationCopies | null;
  config: ConfigStore;
  configDependency: Dependency;
  wallNow: () => number;
  metrics: Metrics;
}

export interface SnapshotSearch<Seeker extends Sought> {
  /** Looks for a snapshot newer than the one at hand; done when one was adopted, or none can be had. Never rejects. */
  forNewer(sought: Seeker): Promise<void>;
}

/** How often a region is asked for under traffic. */
export const REFRESH_EVERY_MS = SECOND_MS;
/** Who stands in for a region's object is asked no oftener. */
const STAND_IN_EVERY_MS = SECOND_MS;
/** A region that knows nothing yet asks KV too, when its object takes longer than this. */
const HEDGE_AFTER_MS = 100;
/** The copy in KV is no newer than this, so it is not worth asking for earlier. */
const COPY_AGE_MS = 30 * SECOND_MS;

/** Who had a snapshot: the region's object, or one that stands in for it. */
export type Origin = "object" | "copy";

export interface Seekers<Seeker> {
  /** Makes a snapshot the one at hand. */
  adopt(sought: Seeker, snapshot: FeatureSnapshot, origin: Origin): void;
  /** What was told and announced at the tick at hand, for the region to keep; empty where no price was made from it. */
  toldIn(sought: Seeker): [told?: ToldBySlot, announced?: Announced];
}

export function createSnapshotSearch<Seeker extends Sought>(
  { regionWindows, regions, copies, config, configDependency, wallNow, metrics }: SearchPorts,
  { adopt, toldIn }: Seekers<Seeker>,
): SnapshotSearch<Seeker> {
  const looks = Object.fromEntries(
    PLACES.map((place) => [place, countLooks(metrics, place)]),
  ) as Record<Place, Looks>;

  /** For a region that is new here: the location may have it before its object answers, and KV when that takes long. */
  async function findFirst(sought: Seeker): Promise<void> {
    const asking = askObject(sought);
    if (!mayStandIn(sought)) return void (await asking);
    const looking = askLocation(sought);
    const answers = await within(Promise.all([asking, looking]), HEDGE_AFTER_MS);
    const isTold = answers !== TOO_LATE && (answers[0] || answers[1]);
    if (!isTold && sought.snapshot === null) await askCopy(sought);
    await asking;
  }

  async function findNewer(sought: Seeker): Promise<void> {
    if ((await takeFreshCopy(sought)) || (await askObject(sought)) || !mayStandIn(sought)) return;
    if (!(await askLocation(sought))) await askCopy(sought);
  }

  /** Whether to ask others in place of the region's object; yes once a second. */
  function mayStandIn(sought: Seeker): boolean {
    if (wallNow() - sought.stoodInAt < STAND_IN_EVERY_MS) return false;
    sought.stoodInAt = wallNow();
    return true;
  }

  /** True when the object answered, be it that nothing is new. */
  async function askObject(sought: Seeker): Promise<boolean> {
    const { regionId, timeZone } = sought.region;
    const answer = await regions.ask(() =>
      regionWindows(regionId).snapshot(sought.snapshot?.tick ?? 0, timeZone, ...toldIn(sought)),
    );
    sought.isTurnedAway = !answer.ok && answer.fault === "open";
    if (!sought.isTurnedAway) looks.object[answer.ok ? "answered" : "nothing"].value += 1;
    if (!answer.ok) return false;
    if (answer.value) adopt(sought, answer.value, "object");
    await share(sought);
    return true;
  }

  /** Leaves what the object said to the location: now and then, or each time where others go by it. */
  async function share({ snapshot, region, company }: Seeker): Promise<void> {
    if (copies === null || snapshot === null || !company.isToWrite(wallNow())) return;
    if (!company.isThere(wallNow())) company.saw(await copies.read(region.regionId), wallNow());
    await copies.write(snapshot);
    company.wrote(wallNow());
  }

  /** True when another isolate of this location has just asked, and its answer was taken. */
  async function takeFreshCopy(sought: Seeker): Promise<boolean> {
    const { region, company } = sought;
    if (copies === null || !company.isThere(wallNow())) return false;
    const copy = await copies.read(region.regionId);
    company.saw(copy, wallNow());
    const isFresh = copy !== null && wallNow() - copy.presentAt < REFRESH_EVERY_MS;
    looks.location[isFresh ? "answered" : "nothing"].value += 1;
    if (!isFresh) return false;
    sought.isTurnedAway = false;
    adoptNewer(sought, copy.snapshot);
    return true;
  }

  /** True when the location had a snapshot, and it was no older than the one at hand. */
  async function askLocation(sought: Seeker): Promise<boolean> {
    if (copies === null) return false;
    const copy = await copies.read(sought.region.regionId);
    sought.company.saw(copy, wallNow());
    looks.location[copy ? "answered" : "nothing"].value += 1;
    return copy !== null && adoptNewer(sought, copy.snapshot);
  }

  async function askCopy(sought: Seeker): Promise<void> {
    const { snapshot, region } = sought;
    if (snapshot && wallNow() - snapshot.madeAt < COPY_AGE_MS) return;
    const answer = await configDependency.ask(() => config.get(snapshotKey(region.regionId)));
    const text = answer.ok ? answer.value : null;
    const copy = text === null ? null : snapshotFromCopy(text, region.regionId);
    looks.kv[copy ? "answered" : "nothing"].value += 1;
    if (copy) adoptNewer(sought, copy);
  }

  /** True when it is no older than the one at hand: meanwhile the object may have answered after all. */
  function adoptNewer(sought: Seeker, snapshot: FeatureSnapshot): boolean {
    const madeAt = sought.snapshot?.madeAt ?? 0;
    if (snapshot.madeAt > madeAt) adopt(sought, snapshot, "copy");
    return snapshot.madeAt >= madeAt;
  }

  return {
    forNewer: (sought) => (sought.snapshot === null ? findFirst(sought) : findNewer(sought)),
  };
}

const PLACES = ["object", "location", "kv"] as const;
type Place = (typeof PLACES)[number];
type Looks = Record<"answered" | "nothing", Counter>;

function countLooks(metrics: Metrics, place: Place): Looks {
  const outcome = (name: string) =>
    metrics.counter(
      "pricing_snapshot_looks_total",
      "Looks for newer snapshots, by where, and by what came of it.",
      { place, outcome: name },
    );
  return { answered: outcome("answered"), nothing: outcome("nothing") };
}
