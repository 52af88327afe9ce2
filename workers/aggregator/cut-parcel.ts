import { EventCursor } from "../../contract/packed-events.ts";
import { type Parcel, writeParcel } from "../../contract/parcel.ts";
import { ByteWriter } from "../../domain/bytes.ts";
import { type ShardCount, shardOf, sliceOf, slicesOf } from "../../domain/slices.ts";

/**
 * Cuts a parcel into one part for each shard, in order of the shards: events keep their order, and the same parcel is cut the same
 * way each time. A shard gets its part even if no event is in it, since it has to confirm its slices.
 */
export function cutParcel(parcel: Parcel, shards: ShardCount): Uint8Array<ArrayBuffer>[] {
  const { events, regionId } = parcel;
  const parts = Array.from({ length: shards }, () => ({
    writer: new ByteWriter(256 + Math.ceil((1.25 * events.byteLength) / shards)),
    count: 0,
  }));
  const cursor = new EventCursor(regionId, events);
  while (cursor.next()) {
    const part = parts[shardOf(sliceOf(cursor), shards)];
    if (!part) throw new RangeError("every slice has a shard");
    part.writer.bytes(events.subarray(cursor.startAt, cursor.endAt));
    part.count++;
  }
  const message = new ByteWriter(256 + Math.ceil((1.25 * events.byteLength) / shards));
  return parts.map(({ writer, count }, shard) => {
    message.clear();
    const slices = parcel.slices & slicesOf(shard, shards);
    writeParcel(message, { ...parcel, slices, count }, [writer.written()]);
    return message.copy();
  });
}
