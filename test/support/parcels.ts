import { packEvent } from "../../contract/packed-events.ts";
import { type ParcelHeader, writeParcel } from "../../contract/parcel.ts";
import { ByteWriter } from "../../domain/bytes.ts";
import type { DemandEvent } from "../../domain/event.ts";
import { ALL_SLICES } from "../../domain/slices.ts";
import type { EpochMs, RegionId } from "../../domain/units.ts";

/** A queue message with these events; its number must be given, the rest of its header is ordinary. */
export function parcelOfEvents(
  events: readonly DemandEvent[],
  header: Partial<ParcelHeader> & { number: number; receivedAt: EpochMs },
): Uint8Array<ArrayBuffer> {
  const packed = new ByteWriter();
  for (const event of events) packEvent(packed, event);
  const writer = new ByteWriter();
  const ordinary = {
    outbox: "outbox-0",
    epoch: 1,
    lowWater: 0,
    slices: ALL_SLICES,
    regionId: "nyc-161" as RegionId,
    count: events.length,
  };
  writeParcel(writer, { ...ordinary, ...header }, [packed.written()]);
  return writer.copy();
}

/** Events that every reader can read, of which the last cannot be counted: its metadata is no JSON, which the door never lets in. */
export function brokenEvents(events: readonly DemandEvent[], broken: DemandEvent): DemandEvent[] {
  return [...events, { ...broken, eventType: "supply_update", metadata: "no JSON" }];
}
