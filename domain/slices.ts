import type { DemandEvent } from "./event.ts";

/**
 * Slices of a region: which of its events can be counted apart.
 *
 * An event's slice is the top four bits of its key, so all deliveries of one event fall into one slice, whoever counts it. A set
 * of slices is a mask of 16 bits. The number of slices is fixed for ever: parcels of old are cut by it.
 */
export const SLICES = 16;
/** The mask of every slice: a whole parcel. */
export const ALL_SLICES = 0xffff;

/** The slice of an event, 0 to 15. */
export function sliceOf({ keyHigh }: Pick<DemandEvent, "keyHigh">): number {
  return keyHigh >>> 28;
}

/** How many shards a region may have; 1 is a region that is not split. */
export const SHARD_COUNTS = [1, 2, 4, 8, 16] as const;
export type ShardCount = (typeof SHARD_COUNTS)[number];

/** The shard that owns a slice, among `shards` of them. */
export function shardOf(slice: number, shards: ShardCount): number {
  return slice % shards;
}

/** The slices that a shard owns, as a mask. */
export function slicesOf(shard: number, shards: ShardCount): number {
  let mask = 0;
  for (let slice = shard; slice < SLICES; slice += shards) mask |= 1 << slice;
  return mask;
}

/** Those of some events that belong to `slices`, a mask. */
export function* eventsOfSlices(
  events: Iterable<DemandEvent>,
  slices: number,
): Generator<DemandEvent> {
  for (const event of events) if (((slices >>> sliceOf(event)) & 1) === 1) yield event;
}
