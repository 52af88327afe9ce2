import { type EventSection, sectionsOf } from "../../contract/event-batch.ts";
import { LOG_RECORD_KIND, logRecordsOf } from "../../contract/log-records.ts";
import { EventCursor } from "../../contract/packed-events.ts";
import { MAX_PARCEL_EVENT_BYTES } from "../../contract/parcel.ts";
import type { EpochMs, RegionId } from "../../domain/units.ts";

/** A parcel before it has a number: events of one region as stretches of the batches they came in. */
export interface ParcelContents {
  regionId: RegionId;
  receivedAt: EpochMs;
  count: number;
  byteLength: number;
  stretches: Uint8Array[];
}

/**
 * Composes batches into parcels, events of a region together and in order, none larger than a queue message may be.
 *
 * A pure function of the bytes: parcels that are composed again from the same batches have the same events under the same
 * place in the list, which is what makes a parcel's number mean something.
 */
export function composeParcels(batches: readonly Uint8Array[]): ParcelContents[] {
  const parcels: ParcelContents[] = [];
  const open = new Map<RegionId, ParcelContents>();
  for (const batch of batches) {
    for (const { regionId, receivedAt, count, bytes } of eventSectionsOf(batch)) {
      for (const [stretch, events] of stretchesOf(regionId, bytes, count)) {
        let parcel = open.get(regionId);
        if (!parcel || parcel.byteLength + stretch.byteLength > MAX_PARCEL_EVENT_BYTES) {
          parcel = { regionId, receivedAt, count: 0, byteLength: 0, stretches: [] };
          open.set(regionId, parcel);
          parcels.push(parcel);
        }
        parcel.receivedAt = Math.min(parcel.receivedAt, receivedAt) as EpochMs;
        parcel.count += events;
        parcel.byteLength += stretch.byteLength;
        parcel.stretches.push(stretch);
      }
    }
  }
  return parcels;
}

/** The sections of the event batches among log records. Other kinds are for the log alone. */
function* eventSectionsOf(records: Uint8Array): Generator<EventSection> {
  for (const { kind, bytes } of logRecordsOf(records)) {
    if (kind === LOG_RECORD_KIND.events) yield* sectionsOf(bytes);
  }
}

/** A section, cut between events where it is too large for one parcel; each stretch with its number of events. */
function* stretchesOf(
  regionId: RegionId,
  bytes: Uint8Array,
  count: number,
): Generator<[stretch: Uint8Array, events: number]> {
  if (bytes.byteLength <= MAX_PARCEL_EVENT_BYTES) {
    yield [bytes, count];
    return;
  }
  const cursor = new EventCursor(regionId, bytes);
  let from = 0;
  let events = 0;
  while (cursor.next()) {
    if (cursor.endAt - from > MAX_PARCEL_EVENT_BYTES) {
      yield [bytes.subarray(from, cursor.startAt), events];
      from = cursor.startAt;
      events = 0;
    }
    events++;
  }
  yield [bytes.subarray(from), events];
}
