/**
 * One region: its windows, and what a price needs of them.
 *
 * The object's name is the region's id. Parcels come from the queue consumer, questions from the pricing Worker. Event time
 * is read from the event clock, ages and intervals from the wall clock.
 *
 * Parcels count at once and are stored about three seconds later, or before anything that they changed is told; then their outboxes
 * may forget them. So a flush to disk is shared by all that comes in a second, and nothing that was told can be taken back.
 */
import { DurableObject } from "cloudflare:workers";
import { consoleLog, type Log, messageOf } from "../../contract/log.ts";
import type { LayoutChange, Moved, RegionRootRpc } from "../../contract/region-layout.ts";
import type { RegionDemand } from "../../contract/regions.ts";
import type {
  HistorySeed,
  OutletCounts,
  ParcelsApplied,
  RegionIntakeRpc,
  RegionLateRpc,
  RegionReplayed,
  RegionReplayRpc,
  RegionWindowRpc,
  ReplaySummary,
} from "../../contract/rpc.ts";
import { snapshotKey } from "../../contract/store-keys.ts";
import { valueAt } from "../../domain/context.ts";
import type { DemandForecast } from "../../domain/forecast.ts";
import type { Announced } from "../../domain/price-lows.ts";
import type { FeatureSnapshot } from "../../domain/snapshot.ts";
import type { ToldBySlot } from "../../domain/told-prices.ts";
import { QUARTER_HOUR_MS, type RegionId } from "../../domain/units.ts";
import { confirmParcels } from "./confirm-parcels.ts";
import { CountedSql } from "./counted-sql.ts";
import { LateTable } from "./late-table.ts";
import { Loaded } from "./loaded.ts";
import { PriceLows } from "./price-lows.ts";
import { RegionLayouts } from "./region-layouts.ts";
import { RegionOutlets } from "./region-outlets.ts";
import { RegionReplay } from "./region-replay.ts";
import type { RegionSeams } from "./region-seams.ts";
import { RegionSnapshots } from "./region-snapshots.ts";
import { ShardsWanted } from "./shards-wanted.ts";
import { spreadOf } from "./spread-of.ts";
import { StoredRegion } from "./stored-region.ts";
import { Ticks } from "./ticks.ts";

/**
 * Parcels that nobody asks about are stored after this, and a part of SPREAD_MS that differs from region to region. Their outboxes
 * send again what is not confirmed in five seconds.
 */
const PERSIST_AFTER_MS = 2_500;
const SPREAD_MS = 1_000;
/** A timer keeps the object in memory, which is billed; what is due later waits for the alarm. */
const MOST_TIMER_MS = 15_000;
/** A region that gets more than this writes at once. */
const MAX_AHEAD_BYTES = 1024 * 1024;

export class RegionWindowObject
  extends DurableObject<AggregatorEnv>
  implements RegionWindowRpc, RegionIntakeRpc, RegionLateRpc, RegionReplayRpc, RegionRootRpc
{
  private readonly seams: RegionSeams;
  private readonly log: Log;
  private readonly sql: CountedSql;
  private readonly regionId: RegionId;
  private readonly loaded: Loaded<StoredRegion>;
  private readonly ticks: Ticks;
  private readonly lows: PriceLows;
  private readonly layouts: RegionLayouts;
  private readonly snapshots: RegionSnapshots;
  private readonly outlets: RegionOutlets;
  private readonly replays: RegionReplay;
  private readonly spreadMs: number;
  private persistTimer: ReturnType<typeof setTimeout> | null = null;
  /** For what is due though nothing comes. */
  private quietTimer: ReturnType<typeof setTimeout> | null = null;

  constructor(state: DurableObjectState, env: AggregatorEnv, seams: RegionSeams) {
    super(state, env);
    this.seams = seams;
    this.log = consoleLog("aggregator", seams.wallNow);
    if (state.id.name === undefined) throw new Error("a region's object is found by its name");
    this.regionId = state.id.name as RegionId;
    this.sql = new CountedSql(state.storage.sql);
    this.loaded = new Loaded({
      load: () => {
        const region = new StoredRegion(this.sql, seams.rules, new LateTable(this.sql));
        region.lookAgain(seams.eventNow());
        return region;
      },
      transactionSync: (work) => state.storage.transactionSync(work),
      eventNow: seams.eventNow,
    });
    this.ticks = new Ticks(this.sql);
    this.lows = new PriceLows(this.sql);
    this.layouts = new RegionLayouts({
      sql: this.sql,
      transaction: (work) => this.loaded.transaction(work),
      sync: () => state.storage.sync(),
      shard: (index) => seams.shard(this.regionId, index),
      keys: () => this.region.state.parts.repeats.size + this.region.shards.keys,
      wanted: new ShardsWanted(seams.split),
      wallNow: seams.wallNow,
      log: (level, message, fields) =>
        this.log(level, message, { regionId: this.regionId, ...fields }),
    });
    this.snapshots = new RegionSnapshots({
      regionId: this.regionId,
      ticks: this.ticks,
      lows: this.lows,
      wallNow: seams.wallNow,
      eventNow: seams.eventNow,
      region: () => this.region,
      persist: () => this.persist(),
      copy: (json) => env.CONFIG.put(snapshotKey(this.regionId), json),
      mirror: seams.mirror ?? null,
      waitUntil: (work) => this.ctx.waitUntil(work),
      log: this.log,
    });
    const alarm = {
      get: () => state.storage.getAlarm(),
      set: (wallAt: number) => {
        this.sql.alarmWasSet();
        return state.storage.setAlarm(wallAt);
      },
    };
    this.outlets = new RegionOutlets({ alarm, ...seams }, this.regionId, this.log);
    this.replays = new RegionReplay(this.regionId);
    this.spreadMs = spreadOf(this.regionId, SPREAD_MS);
  }

  async apply(parcels: Uint8Array[]): Promise<ParcelsApplied | Moved> {
    const { moved } = this.layouts;
    if (moved) {
      this.changeLayout(0);
      return moved;
    }
    this.settleSoon();
    const applied = this.loaded.takeIn((region) => {
      region.notes.replayedTo = null;
      return region.apply(parcels, this.seams.eventNow());
    });
    if (this.region.aheadBytes > MAX_AHEAD_BYTES) this.persist();
    this.changeLayout(applied.events);
    const outlets = this.outlets.takeCounts(this.region);
    return { ...applied, outlets, rowsWritten: this.sql.takeRowsWritten() };
  }

  async addReports(reports: Uint8Array[]): Promise<OutletCounts> {
    this.settleSoon();
    const now = this.seams.eventNow();
    const events = this.loaded.takeIn((region) => region.addReports(reports, now));
    this.persist();
    this.changeLayout(events);
    return this.outlets.takeCounts(this.region);
  }

  async confirmLate(rows: number[]): Promise<void> {
    this.loaded.transaction(({ lateTable }) => lateTable?.confirm(rows));
  }

  async replay(parcels: Uint8Array[]): Promise<RegionReplayed | null> {
    if (this.layouts.moved) return null;
    const replayed = this.loaded.change((region) => this.replays.play(region, parcels));
    this.loaded.transaction((region, now) => region.persistNotes(now));
    // Their outboxes were told long ago.
    if (replayed) this.region.takeConfirmable();
    return replayed;
  }

  async replayed(): Promise<ReplaySummary | null> {
    return this.layouts.moved ? null : this.replays.summary(this.region);
  }

  /** Comes when the object may have lost its timers. */
  override async alarm(): Promise<void> {
    this.outlets.alarmCame();
    await this.settle();
    this.persistNotes();
  }

  async handOver(change: LayoutChange, slice: number): Promise<Uint8Array> {
    if (this.layouts.change?.to.version !== change.to.version) {
      throw new Error("a region hands slices over only for the change that is under way");
    }
    return this.region.handOver(slice, this.seams.eventNow());
  }

  async demand(): Promise<RegionDemand> {
    this.changeLayout(0);
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

  async snapshot(
    knownTick: number,
    timeZone: string,
    told?: ToldBySlot,
    announced?: Announced,
  ): Promise<FeatureSnapshot | null> {
    this.changeLayout(0);
    if (told) this.hear(knownTick, told, announced);
    const present = this.snapshots.present(timeZone);
    return present.tick === knownTick ? null : present;
  }

  async snapshotAt(tick: number): Promise<FeatureSnapshot | null> {
    return this.ticks.at(tick);
  }

  async recordDecided(
    tick: number,
    forecast: DemandForecast | null,
    told: ToldBySlot,
    announced?: Announced,
  ): Promise<void> {
    if (forecast) this.ticks.record(forecast);
    this.hear(tick, told, announced);
  }

  /** Takes note of prices that were told at a tick. */
  private hear(tick: number, told: ToldBySlot, announced: Announced | undefined): void {
    this.ticks.recordTold(tick, told);
    const { latest } = this.ticks;
    if (announced && latest?.tick === tick) this.lows.take(told, announced, latest.asOf);
  }

  async seedHistory({ startAt, counts }: HistorySeed): Promise<void> {
    if (startAt % QUARTER_HOUR_MS !== 0) throw new RangeError(`not on a quarter hour: ${startAt}`);
    const earlier = { startAt, counts: Uint32Array.from(counts) };
    this.loaded.transaction((region, now) => region.setEarlierBookings(earlier, now));
  }

  private get region(): StoredRegion {
    return this.loaded.present;
  }

  /** Takes note of events that came, and splits or merges the region where that is due. */
  private changeLayout(events: number): void {
    const work = this.layouts.took(events);
    if (work !== null) this.ctx.waitUntil(work);
  }

  /** Writes what has arrived, so that what is answered next is durable before it leaves. */
  private persist(): void {
    if (this.region.isAhead) this.loaded.transaction((region, now) => region.persist(now));
  }

  private settleSoon(): void {
    this.persistTimer ??= setTimeout(() => {
      this.ctx.waitUntil(this.settle());
    }, PERSIST_AFTER_MS + this.spreadMs);
  }

  /** Stores what has arrived, and tells whoever is to know. What fails is sent again: parcels by their outboxes, the rest by this. */
  private async settle(): Promise<void> {
    for (const timer of [this.persistTimer, this.quietTimer]) if (timer) clearTimeout(timer);
    this.persistTimer = null;
    this.quietTimer = null;
    const { regionId, outlets } = this;
    try {
      this.persist();
      const parcels = this.region.takeConfirmable();
      const outgoing = outlets.compose(this.region);
      await this.ctx.storage.sync();
      const sending = outgoing && outlets.send(outgoing, () => this.region);
      await confirmParcels(parcels, this.seams.outbox);
      await sending;
    } catch (error) {
      this.log("error", "parcels were not stored or not confirmed", {
        regionId,
        error: messageOf(error),
      });
    }
    try {
      await this.watch();
    } catch (error) {
      this.log("error", "a region could not see to what is due next", {
        regionId,
        error: messageOf(error),
      });
    }
  }

  /** Stores what was told where nothing may come that it could be stored with: an object that was evicted would tell it again. */
  private persistNotes(): void {
    if (!this.region.notes.isAhead) return;
    this.loaded.transaction((region, now) => region.persistNotes(now));
  }

  /** Sees to what is due later, whether or not anything comes until then. */
  private async watch(): Promise<void> {
    const afterMs = this.outlets.nextAfterMs(this.region);
    if (afterMs === null) {
      this.persistNotes();
      return;
    }
    if (afterMs <= MOST_TIMER_MS) {
      this.quietTimer ??= setTimeout(() => {
        this.ctx.waitUntil(this.settle());
      }, afterMs + this.spreadMs);
    }
    await this.outlets.ensureAlarm(this.region);
  }
}
