/**
 * How a hot region is split, and what its objects ask of each other while it is.
 *
 * The region's own object is its root; a region that is not split has no other. The shards of a split region are objects named
 * `<region>#0` and so on; each owns the slices of keys that `shardOf` gives it, judges their events, and reports to the root what it
 * counted. docs/decisions/0008-hot-regions.md.
 */
import type { ShardCount } from "../domain/slices.ts";
import type { EpochMs, RegionId } from "../domain/units.ts";
import type { OutletCounts, ParcelsApplied } from "./rpc.ts";

export interface RegionLayout {
  /** Goes up by one with each change. */
  version: number;
  /** 1 is the region that is not split. */
  shards: ShardCount;
}

/** The layout of a region that was never split. */
export const WHOLE: RegionLayout = { version: 0, shards: 1 };

/** A root's answer to parcels that it does not count itself: who does, or for how long this has been changing by now. */
export type Moved = { moved: RegionLayout } | { moved: "changing"; forMs: number };

/** The change of a layout, as its root has stored it before anything of it happens. */
export interface LayoutChange {
  from: RegionLayout;
  to: RegionLayout;
}

/** How far a shard is in event time. */
export interface ShardProgress {
  watermarkAt: EpochMs;
  newestEventAt: EpochMs;
}

/** A shard, as the queue consumer uses it. */
export interface ShardIntakeRpc {
  /**
   * Counts parts of parcels, each once however often it comes; their outboxes are told when the root has stored what they changed.
   * Null, and nothing counted, when the shard is not part of the layout of this version, or does not count under it any more.
   */
  apply(version: number, parts: Uint8Array[]): Promise<ParcelsApplied | null>;
}

/** Who has judged the events of a slice, as whoever takes the slice over uses it. */
export interface SliceSourceRpc {
  /** What must be known to judge the events of one slice (hand-over.ts). Rejects unless it has stopped counting for this change. */
  handOver(change: LayoutChange, slice: number): Promise<Uint8Array>;
}

/** A shard, as its root uses it. Every call can be repeated. */
export interface RegionShardRpc extends ShardIntakeRpc, SliceSourceRpc {
  /** Stops counting, for good under this layout, and reports everything it counted. Durable when it answers. */
  freeze(change: LayoutChange): Promise<void>;
  /** Takes over the slices it owns in the layout to come. Durable when it answers. */
  adopt(change: LayoutChange): Promise<ShardProgress>;
  /** Forgets what it judged by; it is not part of the layout of this version. */
  retire(version: number): Promise<void>;
}

/** The root, as its shards use it. */
export interface RegionRootRpc extends SliceSourceRpc {
  /**
   * Adds what a shard counted (shard-report.ts), each report once. Durable when it answers. Reports of a shard come in order. The
   * answer is what the root itself has done since it was last asked, for the metrics of whoever brings parcels.
   */
  addReports(reports: Uint8Array[]): Promise<OutletCounts>;
}

/** The name of a shard's object. Region ids hold no `#`. */
export function shardName(regionId: RegionId, shard: number): string {
  return `${regionId}#${shard}`;
}

/** The region and the shard that an object's name says. Throws RangeError on any other name. */
export function shardNamed(name: string): { regionId: RegionId; shard: number } {
  const [regionId, shard, ...rest] = name.split("#");
  if (!regionId || !shard || !/^\d{1,2}$/.test(shard) || rest.length > 0) {
    throw new RangeError(`no shard is named ${name}`);
  }
  return { regionId: regionId as RegionId, shard: Number(shard) };
}
