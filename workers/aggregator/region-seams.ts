import type { RegionShardRpc } from "../../contract/region-layout.ts";
import type { OutboxRpc } from "../../contract/rpc.ts";
import type { RegionId } from "../../domain/units.ts";
import type { FeatureMirror } from "./feature-mirror.ts";
import type { OutletSeams } from "./region-outlets.ts";
import type { SplitRules } from "./shards-wanted.ts";

/** What a region's object takes from outside, beside its storage. */
export interface RegionSeams extends Omit<OutletSeams, "alarm"> {
  /** The object's own where none is given. */
  alarm?: OutletSeams["alarm"];
  split: SplitRules;
  shard(regionId: RegionId, index: number): RegionShardRpc;
  outbox(name: string): OutboxRpc;
  /** Null where no mirror is configured. */
  mirror?: FeatureMirror | null;
}
