/**
 * One shard of a hot region: it judges the events of its slices, and tells the region's root what it counted.
 *
 * Parts of parcels count in memory at once. About a second later, or when much has come, they are stored together with a report of
 * what they changed, the report goes to the root, and when the root has stored that, the outboxes may forget these slices of their
 * parcels. Whatever dies in between is made up for by the outbox: it sends again what is not confirmed, parts that are known count
 * nothing, and reports that were not told go out with the next ones.
 */
import { DurableObject } from "cloudflare:workers";
import { consoleLog, type Log, messageOf } from "../../contract/log.ts";
import {
  type LayoutChange,
  type RegionRootRpc,
  type RegionShardRpc,
  type ShardProgress,
  shardNamed,
} from "../../contract/region-layout.ts";
import type { OutboxRpc, OutletCounts, ParcelsApplied } from "../../contract/rpc.ts";
import { SLICES, shardOf } from "../../domain/slices.ts";
import type { EpochMs, RegionId } from "../../domain/units.ts";
import type { LatenessRules } from "../../domain/watermark.ts";
import { confirmParcels } from "./confirm-parcels.ts";
import { CountedSql } from "./counted-sql.ts";
import { Loaded } from "./loaded.ts";
import { StoredShard } from "./stored-shard.ts";

const REPORT_AFTER_MS = 700;
/** What comes at a time is taken in in stretches of this much, each stored when it makes what is not stored as large. */
const MAX_AHEAD_BYTES = 1024 * 1024;

/** What the object takes from outside, beside its storage. */
export interface ShardSeams {
  wallNow(): EpochMs;
  eventNow(): EpochMs;
  rules: LatenessRules;
  outbox(name: string): OutboxRpc;
  root(regionId: RegionId): RegionRootRpc;
  shard(regionId: RegionId, shard: number): RegionShardRpc;
}

export class RegionShardObject extends DurableObject<AggregatorEnv> implements RegionShardRpc {
  private readonly seams: ShardSeams;
  private readonly log: Log;
  private readonly sql: CountedSql;
  private readonly regionId: RegionId;
  private readonly index: number;
  private readonly loaded: Loaded<StoredShard>;
  /** Of the root, since somebody was last told. */
  private outlets: OutletCounts | null = null;
  private reportTimer: ReturnType<typeof setTimeout> | null = null;

  constructor(state: DurableObjectState, env: AggregatorEnv, seams: ShardSeams) {
    super(state, env);
    this.seams = seams;
    this.sql = new CountedSql(state.storage.sql);
    this.log = consoleLog("aggregator", seams.wallNow);
    const { regionId, shard } = shardNamed(state.id.name ?? "");
    this.regionId = regionId;
    this.index = shard;
    this.loaded = new Loaded({
      load: () => new StoredShard(this.sql, shard, seams.rules),
      transactionSync: (work) => state.storage.transactionSync(work),
      eventNow: seams.eventNow,
    });
  }

  async apply(version: number, parts: Uint8Array[]): Promise<ParcelsApplied | null> {
    if (!this.shard.countsUnder(version)) return null;
    // Before anything can fail: what waits here is told although nothing more may come in.
    this.reportSoon();
    const sum = { events: 0, duplicates: 0, late: 0, repeatedParcels: 0, watermarkLagMs: 0 };
    for (const stretch of stretchesOf(parts)) {
      if (this.shard.reports.isFull) throw new Error("the root does not take this shard's reports");
      const now = this.seams.eventNow();
      const applied = this.loaded.takeIn((shard) => shard.apply(stretch, now));
      sum.events += applied.events;
      sum.duplicates += applied.duplicates;
      sum.late += applied.late;
      sum.repeatedParcels += applied.repeatedParcels;
      sum.watermarkLagMs = applied.watermarkLagMs;
      if (this.shard.aheadBytes > MAX_AHEAD_BYTES) {
        this.loaded.transaction((shard, eventNow) => shard.persist(eventNow));
      }
    }
    const { outlets } = this;
    this.outlets = null;
    const rowsWritten = this.sql.takeRowsWritten();
    return outlets ? { ...sum, outlets, rowsWritten } : { ...sum, rowsWritten };
  }

  async freeze(change: LayoutChange): Promise<void> {
    if (!this.shard.hasReached(change.to.version)) {
      this.loaded.transaction((shard, now) => shard.freeze(now));
    }
    await this.report();
  }

  async handOver(change: LayoutChange, slice: number): Promise<Uint8Array> {
    if (!this.shard.canHandOver(change)) throw new Error("a shard that counts hands nothing over");
    return this.shard.handOver(slice, this.seams.eventNow());
  }

  async adopt(change: LayoutChange): Promise<ShardProgress> {
    const { to } = change;
    if (!this.shard.hasReached(to.version)) {
      const slices: Uint8Array[] = [];
      for (let slice = 0; slice < SLICES; slice++) {
        if (shardOf(slice, to.shards) !== this.index) continue;
        const source = this.sourceOf(slice, change);
        if (source) slices.push(await source.handOver(change, slice));
      }
      this.loaded.transaction((shard, now) => {
        // Another call may have brought it there meanwhile, and it may count already.
        if (!shard.hasReached(to.version)) shard.adopt(slices, to.version, now);
      });
    }
    await this.ctx.storage.sync();
    return this.shard.progressAt(this.seams.eventNow());
  }

  async retire(version: number): Promise<void> {
    if (this.shard.hasReached(version)) return;
    this.loaded.transaction((shard) => shard.clear());
    this.loaded.drop();
  }

  /** Who judged a slice before the change; null when this object did. */
  private sourceOf(slice: number, { from }: LayoutChange) {
    const { regionId, seams } = this;
    if (from.shards === 1) return seams.root(regionId);
    const before = shardOf(slice, from.shards);
    return before === this.index ? null : seams.shard(regionId, before);
  }

  private get shard(): StoredShard {
    return this.loaded.present;
  }

  private reportSoon(): void {
    this.reportTimer ??= setTimeout(() => {
      this.ctx.waitUntil(this.settle());
    }, REPORT_AFTER_MS);
  }

  /** Stores what has arrived, tells the root, and then the outboxes. Rejects when one of these does not succeed. */
  private async report(): Promise<void> {
    if (this.reportTimer) clearTimeout(this.reportTimer);
    this.reportTimer = null;
    this.loaded.transaction((shard, now) => shard.persist(now));
    const { shard } = this;
    const parcels = shard.takeConfirmable();
    await this.ctx.storage.sync();
    await shard.reports.tell(async (reports) => {
      // One that could not be stored may be among them, and its number will be another report's.
      if (!this.loaded.isPresent(shard)) throw new Error("the shard was read from storage again");
      this.noteOutlets(await this.seams.root(this.regionId).addReports(reports));
    });
    await confirmParcels(parcels, this.seams.outbox);
  }

  /** Keeps what the root says of itself until there is somebody to tell. */
  private noteOutlets(counts: OutletCounts): void {
    const { signalsTold = 0, signalsCorrected = 0, lateDropped = 0 } = this.outlets ?? {};
    this.outlets = {
      signalsTold: signalsTold + counts.signalsTold,
      signalsCorrected: signalsCorrected + counts.signalsCorrected,
      lateDropped: lateDropped + counts.lateDropped,
      lateDepth: counts.lateDepth,
    };
  }

  private async settle(): Promise<void> {
    try {
      await this.report();
    } catch (error) {
      this.log("error", "a shard's parcels were not stored, reported or confirmed", {
        regionId: this.regionId,
        shard: this.index,
        error: messageOf(error),
      });
    }
  }
}

/** Parts that come together, in order, in stretches that are stored one by one when there is much of it. */
function* stretchesOf(parts: readonly Uint8Array[]): Generator<Uint8Array[]> {
  let stretch: Uint8Array[] = [];
  let size = 0;
  for (const part of parts) {
    if (size + part.byteLength > MAX_AHEAD_BYTES / 2) {
      yield stretch;
      stretch = [];
      size = 0;
    }
    stretch.push(part);
    size += part.byteLength;
  }
  yield stretch;
}
