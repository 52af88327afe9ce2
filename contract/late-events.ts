/**
 * One message of the queue `late-events`: events of one region that came past the allowed lateness.
 *
 *     u8 version | f64 row | f64 arrivedAt | u8 length, region id | u32 events | u32 length | packed events
 *
 * A message is one row of the region's `late` table. It is sent again until the region is told that it was stored elsewhere
 * (`RegionLateRpc.confirmLate`), with the same bytes under the same id: what is written twice is written once.
 */
import { ByteReader, ByteWriter } from "../domain/bytes.ts";
import type { EpochMs, RegionId } from "../domain/units.ts";
import { EventCursor } from "./packed-events.ts";

const VERSION = 1;

/** Cloudflare takes messages of up to 128 KB; a message with its header stays below. */
export const MAX_LATE_EVENT_BYTES = 120_000;

export interface LateEvents {
  /** `<region>/<row>`: the same events always come under the same id, and no others ever do. */
  id: string;
  regionId: RegionId;
  /** Number of the row in the region's table: what `confirmLate` takes. Ascending in the order of arrival, with gaps. */
  row: number;
  /** Event clock of the region when it put them aside. */
  arrivedAt: EpochMs;
  count: number;
  /** Packed events (contract/packed-events.ts), in order of arrival; a view into the message. */
  events: Uint8Array;
}

/** The message of a row. Counts its events. Throws RangeError where they end within an event. */
export function writeLateEvents({
  regionId,
  row,
  arrivedAt,
  events,
}: Pick<LateEvents, "regionId" | "row" | "arrivedAt" | "events">): Uint8Array<ArrayBuffer> {
  const cursor = new EventCursor(regionId, events);
  let count = 0;
  while (cursor.next()) count++;
  const writer = new ByteWriter(events.byteLength + 32 + regionId.length);
  writer.u8(VERSION);
  writer.f64(row);
  writer.f64(arrivedAt);
  writer.shortAscii(regionId);
  writer.u32(count);
  writer.u32(events.byteLength);
  writer.bytes(events);
  return writer.copy();
}

/** The late events a queue message holds, or null when it holds none: someone else wrote to the queue. */
export function lateEventsOf(message: unknown): LateEvents | null {
  if (!(message instanceof ArrayBuffer) && !ArrayBuffer.isView(message)) return null;
  const bytes =
    message instanceof ArrayBuffer
      ? new Uint8Array(message)
      : new Uint8Array(message.buffer, message.byteOffset, message.byteLength);
  try {
    const reader = new ByteReader(bytes);
    if (reader.u8() !== VERSION) return null;
    const row = reader.f64();
    const arrivedAt = reader.f64() as EpochMs;
    const regionId = reader.shortAscii() as RegionId;
    const count = reader.u32();
    const length = reader.u32();
    const events = reader.bytes(length);
    if (events.byteLength !== length || !holds(regionId, events, count)) return null;
    return { id: `${regionId}/${row}`, regionId, row, arrivedAt, count, events };
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function holds(regionId: RegionId, events: Uint8Array, count: number): boolean {
  const cursor = new EventCursor(regionId, events);
  let found = 0;
  while (cursor.next()) found++;
  return found === count;
}
