/** What the pricing Worker needs of the bindings, and no more: tests give it stores that fail and stores that hang. */
import type { RegionWindowRpc } from "../../contract/rpc.ts";
import type { RegionId } from "../../domain/units.ts";

/** KV. A missing key is null. */
export interface ConfigStore {
  get(key: string): Promise<string | null>;
  put(key: string, value: string): Promise<void>;
}

/** R2. A missing object is null. */
export interface ModelStore {
  get(key: string): Promise<Uint8Array<ArrayBuffer> | null>;
  put(key: string, bytes: Uint8Array): Promise<void>;
}

/** The object of a region, in the aggregator. */
export type RegionWindows = (regionId: RegionId) => RegionWindowRpc;

/** The queue to the decision log. A message is the JSON of an array of records. */
export interface DecisionQueue {
  send(messages: readonly string[]): Promise<void>;
}

/** The cache of the location this isolate runs in. A missing or expired entry is null. */
export interface LocationCache {
  get(key: string): Promise<string | null>;
  put(key: string, value: string, livesS: number): Promise<void>;
}
