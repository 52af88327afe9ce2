import { type Log, messageOf } from "../../contract/log.ts";
import { materialOf, snapshotFrom } from "../../domain/region-snapshot.ts";
import type { FeatureSnapshot } from "../../domain/snapshot.ts";
import { type EpochMs, type RegionId, SECOND_MS } from "../../domain/units.ts";
import type { FeatureMirror } from "./feature-mirror.ts";
import type { PriceLows } from "./price-lows.ts";
import type { StoredRegion } from "./stored-region.ts";
import type { Ticks } from "./ticks.ts";

/** A region does not say something new more often, nor less often, by the wall clock. */
const MIN_TICK_MS = 500;
const MAX_TICK_MS = 30 * SECOND_MS;
/**
 * A tick that nobody has said the prices of is not followed by another so soon: prices that may move by so much a minute have to know
 * those before them. An isolate says them as soon as it has them; one that died never will.
 */
const MAX_UNTOLD_MS = 2 * SECOND_MS;
/** KV takes one write a second for each key; the copy is for when the region's object does not answer. */
const COPY_EVERY_MS = 30 * SECOND_MS;

/** What snapshots need of the region's object. */
export interface SnapshotPorts {
  regionId: RegionId;
  ticks: Ticks;
  lows: PriceLows;
  wallNow(): EpochMs;
  eventNow(): EpochMs;
  region(): StoredRegion;
  /** Stores what has arrived. */
  persist(): void;
  /** Puts a snapshot, as JSON, where it is found when the object does not answer. */
  copy(json: string): Promise<void>;
  /** Null where no mirror is configured. */
  mirror: FeatureMirror | null;
  waitUntil(work: Promise<unknown>): void;
  log: Log;
}

/** The snapshots that prices are made from: when there is a new one, and where it goes. */
export class RegionSnapshots {
  private readonly ports: SnapshotPorts;
  private copiedAt = Number.NEGATIVE_INFINITY;

  constructor(ports: SnapshotPorts) {
    this.ports = ports;
  }

  /** The present snapshot; a new one is written when this returns, and told when the write is durable. */
  present(timeZone: string): FeatureSnapshot {
    const { latest } = this.ports.ticks;
    return latest && this.isPresent(latest, timeZone) ? latest : this.newTick(timeZone);
  }

  /** True while a snapshot says what the region would say now, or is too young to be replaced. */
  private isPresent({ madeAt }: FeatureSnapshot, timeZone: string): boolean {
    const { wallNow, eventNow, region, ticks } = this.ports;
    const ageMs = wallNow() - madeAt;
    if (ageMs >= 0 && ageMs < MIN_TICK_MS) return true;
    if (ageMs < 0 || ageMs >= MAX_TICK_MS) return false;
    if (ageMs < MAX_UNTOLD_MS && !ticks.isTold) return true;
    const asOf = eventNow();
    const { state } = region();
    const material = materialOf(state.signalsAt(asOf), state.contextAt(asOf, timeZone));
    return material === ticks.latestMaterial;
  }

  private newTick(timeZone: string): FeatureSnapshot {
    const { ports } = this;
    const { ticks, regionId } = ports;
    ports.persist();
    const asOf = ports.eventNow();
    const snapshot = snapshotFrom(ports.region().state, {
      regionId,
      tick: ticks.next,
      timeZone,
      asOf,
      madeAt: ports.wallNow(),
      lastForecast: ticks.lastForecast,
      told: ticks.told,
      lows: ports.lows.at(asOf),
    });
    const json = ticks.add(snapshot);
    if (ports.mirror) ports.waitUntil(ports.mirror.offer(snapshot));
    if (snapshot.madeAt - this.copiedAt >= COPY_EVERY_MS) {
      this.copiedAt = snapshot.madeAt;
      ports.waitUntil(this.copy(json));
    }
    return snapshot;
  }

  private async copy(json: string): Promise<void> {
    const { regionId, copy, log } = this.ports;
    try {
      await copy(json);
    } catch (error) {
      log("warn", "the snapshot could not be copied", { regionId, error: messageOf(error) });
    }
  }
}
