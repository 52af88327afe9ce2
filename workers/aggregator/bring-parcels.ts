import { readParcel } from "../../contract/parcel.ts";
import type { RegionLayout, ShardIntakeRpc } from "../../contract/region-layout.ts";
import type { ParcelsApplied, RegionIntakeRpc } from "../../contract/rpc.ts";
import { ByteReader } from "../../domain/bytes.ts";
import type { RegionId } from "../../domain/units.ts";
import { cutParcel } from "./cut-parcel.ts";
import type { RegionLayoutCache } from "./region-layout-cache.ts";

export interface IntakePorts {
  region(regionId: RegionId): RegionIntakeRpc;
  shard(regionId: RegionId, shard: number): ShardIntakeRpc;
  layouts: RegionLayoutCache;
}

/** What whoever brings parcels hears on the way. */
export interface Heard {
  applied(applied: ParcelsApplied): void;
  /** The region is being split or merged, for `forMs` by now. */
  changing(forMs: number): void;
}

/** Layouts change minutes apart: who moved so often in the time of one delivery is asked again later. */
const MOST_MOVES = 3;

/**
 * Brings parcels of one region to whoever counts them: the region's object, or its shards when it is split. Resolves to whether all
 * of them were counted; while the region is being split or merged nobody counts. Some may be counted when it answers false or
 * rejects: they count nothing when they come again.
 */
export async function bringParcels(
  regionId: RegionId,
  parcels: Uint8Array[],
  { region, shard, layouts }: IntakePorts,
  heard: Heard,
): Promise<boolean> {
  for (let moves = 0; moves < MOST_MOVES; moves++) {
    const layout = layouts.of(regionId);
    if (layout.shards > 1) {
      const answers = await toShards(parcels, layout, (index) => shard(regionId, index));
      for (const applied of answers) if (applied) heard.applied(applied);
      if (answers.every((applied) => applied !== null)) return true;
      layouts.forget(regionId);
    } else {
      const answer = await region(regionId).apply(parcels);
      if (!("moved" in answer)) {
        heard.applied(answer);
        return true;
      }
      if (answer.moved === "changing") {
        heard.changing(answer.forMs);
        return false;
      }
      layouts.learn(regionId, answer.moved);
    }
  }
  return false;
}

function toShards(
  parcels: readonly Uint8Array[],
  { version, shards }: RegionLayout,
  shardAt: (index: number) => ShardIntakeRpc,
): Promise<(ParcelsApplied | null)[]> {
  const cut = parcels.map((bytes) => cutParcel(readParcel(new ByteReader(bytes)), shards));
  return Promise.all(
    Array.from({ length: shards }, (_, index) => {
      return shardAt(index).apply(
        version,
        cut.flatMap((parts) => parts[index] ?? []),
      );
    }),
  );
}
