/**
 * One region: its windows, and what a price needs of them.
 *
 * The object's name is the region's id. Parcels come from the queue consumer, questions from the pricing Worker. Event time
 * is read from the event clock, ages and intervals from the wall clock.
 *
 * Parcels count at once and are stored about a second later, or before anything that they changed is told; then their outboxes
 * may forget them. So a flush to disk is shared by all that comes in a second, and nothing that was told can be taken back.
 */
import { DurableObject } from "cloudflare:workers";
import { consoleLog, type Log, messageOf } from "../../contract/log.ts";
import type {
  LayoutChange,
  Moved,
  RegionRootRpc,
  RegionShardRpc,
} from "../../contract/region-layout.ts";
import type { RegionDemand } from "../../contract/regions.ts";
import type {
  HistorySeed,
  OutboxRpc,
  ParcelsApplied,
  RegionIntakeRpc,
  RegionWindowRpc,
} from "../../contract/rpc.ts";
import { snapshotKey } from "../../contract/store-keys.ts";
import { valueAt } from "../../domain/context.ts";
import type { DemandForecast } from "../../domain/forecast.ts";
import { materialOf, snapshotFrom } from "../../domain/region-snapshot.ts";
import type { FeatureSnapshot } from "../../domain/snapshot.ts";
import { type EpochMs, QUARTER_HOUR_MS, type RegionId, SECOND_MS } from "../../domain/units.ts";
import type { LatenessRules } from "../../domain/watermark.ts";
import { confirmParcels } from "./confirm-parcels.ts";
import type { FeatureMirror } from "./feature-mirror.ts";
import { RegionLayouts } from "./region-layouts.ts";
import { ShardsWanted, type SplitRules } from "./shards-wanted.ts";
import { StoredRegion } from "./stored-region.ts";
import { Ticks } from "./ticks.ts";

/** A region does not say something new more often, nor less often, by the wall clock. */
const MIN_TICK_MS = 500;
const MAX_TICK_MS = 30 * SECOND_MS;
/** KV takes one write a second for each key; the copy is for when this object does not answer. */
const COPY_EVERY_MS = 30 * SECOND_MS;
/** Parcels that nobody asks about are stored after this, and a part of as much again that differs from region to region. */
const PERSIST_AFTER_MS = 700;
/** A region that gets more than this writes at once. */
const MAX_AHEAD_BYTES = 1024 * 1024;

/** What the object takes from outside, beside its storage. */
export interface RegionSeams {
  wallNow(): EpochMs;
  eventNow(): EpochMs;
  rules: LatenessRules;
  split: SplitRules;
  shard(regionId: RegionId, index: number): RegionShardRpc;
  outbox(name: string): OutboxRpc;
  /** Null where no mirror is configured. */
  mirror?: FeatureMirror | null;
}

export class RegionWindowObject
  extends DurableObject<AggregatorEnv>
  implements RegionWindowRpc, RegionIntakeRpc, RegionRootRpc
{
  private readonly seams: RegionSeams;
  private readonly log: Log;
  private readonly regionId: RegionId;
  private loaded: StoredRegion | null = null;
  private readonly ticks: Ticks;
  private readonly layouts: RegionLayouts;
  private readonly persistAfterMs: number;
  private copiedAt = Number.NEGATIVE_INFINITY;
  private persistTimer: ReturnType<typeof setTimeout> | null = null;

  constructor(state: DurableObjectState, env: AggregatorEnv, seams: RegionSeams) {
    super(state, env);
    this.seams = seams;
    this.log = consoleLog("aggregator", seams.wallNow);
    if (state.id.name === undefined) throw new Error("a region's object is found by its name");
    this.regionId = state.id.name as RegionId;
    this.ticks = new Ticks(state.storage.sql);
    this.layouts = new RegionLayouts({
      sql: state.storage.sql,
      transaction: (work) => this.transaction(work),
      sync: () => state.storage.sync(),
      shard: (index) => seams.shard(this.regionId, index),
      keys: () => this.region.state.parts.repeats.size + this.region.shards.keys,
      wanted: new ShardsWanted(seams.split),
      wallNow: seams.wallNow,
      log: (level, message, fields) =>
        this.log(level, message, { regionId: this.regionId, ...fields }),
    });
    this.persistAfterMs = PERSIST_AFTER_MS + spreadOf(this.regionId, PERSIST_AFTER_MS);
  }

  async apply(parcels: Uint8Array[]): Promise<ParcelsApplied | Moved> {
    const { moved } = this.layouts;
    if (moved) {
      this.changeLayout(0);
      return moved;
    }
    const applied = this.guarded((region) => region.apply(parcels, this.seams.eventNow()));
    if (this.region.aheadBytes > MAX_AHEAD_BYTES) this.persist();
    this.persistTimer ??= setTimeout(() => {
      this.ctx.waitUntil(this.settle());
    }, this.persistAfterMs);
    this.changeLayout(applied.events);
    return applied;
  }

  async addReports(reports: Uint8Array[]): Promise<void> {
    const events = this.guarded((region) => region.addReports(reports, this.seams.eventNow()));
    this.persist();
    this.changeLayout(events);
  }

  async handOver(change: LayoutChange, slice: number): Promise<Uint8Array> {
    if (this.layouts.change?.to.version !== change.to.version) {
      throw new Error("a region hands slices over only for the change that is under way");
    }
    return this.region.handOver(slice, this.seams.eventNow());
  }

  async demand(): Promise<RegionDemand> {
    this.persist();
    const { state } = this.region;
    const asOf = this.seams.eventNow();
    return {
      watermarkAt: state.watermarkAt(asOf),
      signals: state.signalsAt(asOf),
      supply: valueAt(state.contextAt(asOf, "UTC").supply, asOf),
      totals: state.parts.totals,
    };
  }

  async snapshot(knownTick: number, timeZone: string): Promise<FeatureSnapshot | null> {
    const { latest } = this.ticks;
    const present = latest && this.isPresent(latest, timeZone) ? latest : this.newTick(timeZone);
    return present.tick === knownTick ? null : present;
  }

  async snapshotAt(tick: number): Promise<FeatureSnapshot | null> {
    return this.ticks.at(tick);
  }

  async recordForecast(_tick: number, forecast: DemandForecast): Promise<void> {
    this.ticks.record(forecast);
  }

  async seedHistory({ startAt, counts }: HistorySeed): Promise<void> {
    if (startAt % QUARTER_HOUR_MS !== 0) throw new RangeError(`not on a quarter hour: ${startAt}`);
    const earlier = { startAt, counts: Uint32Array.from(counts) };
    this.guarded((region) => {
      this.ctx.storage.transactionSync(() => {
        region.setEarlierBookings(earlier, this.seams.eventNow());
      });
    });
  }

  private get region(): StoredRegion {
    this.loaded ??= new StoredRegion(this.ctx.storage.sql, this.seams.rules);
    return this.loaded;
  }

  /** Takes note of events that came, and splits or merges the region where that is due. */
  private changeLayout(events: number): void {
    const work = this.layouts.took(events);
    if (work !== null) this.ctx.waitUntil(work);
  }

  /** Does work that changes the region; after a failure the region is read from storage again. */
  private guarded<Result>(work: (region: StoredRegion) => Result): Result {
    try {
      return work(this.region);
    } catch (error) {
      this.loaded = null;
      throw error;
    }
  }

  private transaction(work: (region: StoredRegion, eventNow: EpochMs) => void): void {
    this.guarded((region) => {
      this.ctx.storage.transactionSync(() => work(region, this.seams.eventNow()));
    });
  }

  /** Writes what has arrived, so that what is answered next is durable before it leaves. */
  private persist(): void {
    if (!this.region.isAhead) return;
    this.guarded((region) => {
      this.ctx.storage.transactionSync(() => region.persist(this.seams.eventNow()));
    });
  }

  /** Stores what has arrived and tells the outboxes. What fails is sent again by them. */
  private async settle(): Promise<void> {
    if (this.persistTimer) clearTimeout(this.persistTimer);
    this.persistTimer = null;
    try {
      this.persist();
      const parcels = this.region.takeConfirmable();
      await this.ctx.storage.sync();
      await confirmParcels(parcels, this.seams.outbox);
    } catch (error) {
      const { regionId } = this;
      this.log("error", "parcels were not stored or not confirmed", {
        regionId,
        error: messageOf(error),
      });
    }
  }

  /** True while a snapshot says what the region would say now, or is too young to be replaced. */
  private isPresent({ madeAt }: FeatureSnapshot, timeZone: string): boolean {
    const ageMs = this.seams.wallNow() - madeAt;
    if (ageMs >= 0 && ageMs < MIN_TICK_MS) return true;
    if (ageMs < 0 || ageMs >= MAX_TICK_MS) return false;
    const asOf = this.seams.eventNow();
    const { state } = this.region;
    const material = materialOf(state.signalsAt(asOf), state.contextAt(asOf, timeZone));
    return material === this.ticks.latestMaterial;
  }

  /** Makes the next snapshot; it is written when this returns, and told when the write is durable. */
  private newTick(timeZone: string): FeatureSnapshot {
    const { ticks, regionId } = this;
    this.persist();
    const snapshot = snapshotFrom(this.region.state, {
      regionId,
      tick: ticks.next,
      timeZone,
      asOf: this.seams.eventNow(),
      madeAt: this.seams.wallNow(),
      lastForecast: ticks.lastForecast,
    });
    const json = ticks.add(snapshot);
    if (this.seams.mirror) this.ctx.waitUntil(this.seams.mirror.offer(snapshot));
    if (snapshot.madeAt - this.copiedAt >= COPY_EVERY_MS) {
      this.copiedAt = snapshot.madeAt;
      this.ctx.waitUntil(this.copy(json));
    }
    return snapshot;
  }

  private async copy(json: string): Promise<void> {
    try {
      await this.env.CONFIG.put(snapshotKey(this.regionId), json);
    } catch (error) {
      const { regionId } = this;
      this.log("warn", "the snapshot could not be copied", { regionId, error: messageOf(error) });
    }
  }
}

/** A number below `range` that a name always has: it keeps regions from writing all at the same moment. */
function spreadOf(name: string, range: number): number {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + character.charCodeAt(0)) % range;
  return hash;
}
