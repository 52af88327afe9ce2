/**
 * Snapshots that the isolates of one location share through its cache, so that a region's object is asked about once a second by
 * a location, however many isolates it has, and a new isolate finds a snapshot when the object does not answer.
 *
 * A look into the cache costs an isolate more than a question to the object. So an isolate that is alone with a region only leaves a
 * copy now and then, and looks for company as it does; where it finds some, the copy is looked at first and renewed every
 * second. Nothing of this is on the way of a request that has features at hand. docs/decisions/0015.
 */
import { FEATURE_SET_VERSION } from "../../domain/features.ts";
import type { FeatureSnapshot } from "../../domain/snapshot.ts";
import { MINUTE_MS, type RegionId, SECOND_MS } from "../../domain/units.ts";
import type { Dependency } from "./dependency.ts";
import { snapshotFromCopy } from "./snapshot-copy.ts";
import type { LocationCache } from "./stores.ts";

export interface LocationCopy {
  snapshot: FeatureSnapshot;
  /** When the region's object last said that there is nothing newer, wall clock. */
  presentAt: number;
  /** Another isolate left it. */
  isForeign: boolean;
}

/** What goes wrong with the cache counts as nothing found: it is one of three to ask. */
export interface LocationCopies {
  read(regionId: RegionId): Promise<LocationCopy | null>;
  write(snapshot: FeatureSnapshot): Promise<void>;
}

/** A copy is of use for so long. */
const COPY_LIVES_MS = MINUTE_MS;

export function createLocationCopies(ports: {
  cache: LocationCache;
  dependency: Dependency;
  wallNow: () => number;
  /** Names this isolate; called once there is a request. */
  newHolder: () => string;
}): LocationCopies {
  const { cache, dependency, wallNow, newHolder } = ports;
  let holder: string | null = null;
  const ownName = () => {
    holder ??= newHolder();
    return holder;
  };
  return {
    async read(regionId) {
      const answer = await dependency.ask(() => cache.get(keyOf(regionId)));
      return answer.ok && answer.value !== null
        ? copyFrom(answer.value, regionId, wallNow(), ownName())
        : null;
    },
    async write(snapshot) {
      const text = `${ownName()} ${wallNow()} ${JSON.stringify(snapshot)}`;
      await dependency.ask(() =>
        cache.put(keyOf(snapshot.regionId), text, COPY_LIVES_MS / SECOND_MS),
      );
    },
  };
}

/** Isolates of different releases, whose features may differ, share nothing. */
const keyOf = (regionId: RegionId) => `snapshot/${FEATURE_SET_VERSION}/${regionId}`;

const COPY = /^(\S+) (\d+) (.*)$/s;

function copyFrom(
  text: string,
  regionId: RegionId,
  now: number,
  holder: string,
): LocationCopy | null {
  const [, writer, presentAt, json = ""] = COPY.exec(text) ?? [];
  const snapshot = snapshotFromCopy(json, regionId);
  if (snapshot === null || now - Number(presentAt) >= COPY_LIVES_MS) return null;
  return { snapshot, presentAt: Number(presentAt), isForeign: writer !== holder };
}

/** Whether a region is asked for by other isolates of this location, as far as their copies tell. */
export interface Company {
  isThere(now: number): boolean;
  isToWrite(now: number): boolean;
  saw(copy: LocationCopy | null, now: number): void;
  wrote(now: number): void;
}

const LOOK_EVERY_MS = 15 * SECOND_MS;
/** Two isolates that each leave a copy every so often have seen each other's by then. */
const COMPANY_LASTS_MS = 2 * LOOK_EVERY_MS;

export function createCompany(): Company {
  let seenAt = Number.NEGATIVE_INFINITY;
  let wroteAt = Number.NEGATIVE_INFINITY;
  const isThere = (now: number) => now - seenAt < COMPANY_LASTS_MS;
  return {
    isThere,
    isToWrite: (now) => isThere(now) || now - wroteAt >= LOOK_EVERY_MS,
    saw(copy, now) {
      if (copy?.isForeign && now - copy.presentAt < COMPANY_LASTS_MS) seenAt = now;
    },
    wrote(now) {
      wroteAt = now;
    },
  };
}
