/**
 * One queue message: events of one region, numbered by the outbox that sends it.
 *
 *     u8 version | f64 number | f64 lowWater | f64 receivedAt | u32 epoch | u16 slices | u8 length, outbox | u8 length, region id
 *     u32 events | u32 length | packed events
 *
 * A parcel is sent again until it is confirmed, and is composed identically each time; only its low-water mark moves. A region
 * that is split gets a parcel in parts: each has the parcel's number and the events of some slices (domain/slices.ts). Version 1
 * knew no slices, and all of its parcels were whole.
 */
import { ByteReader, type ByteWriter } from "../domain/bytes.ts";
import { ALL_SLICES } from "../domain/slices.ts";
import type { EpochMs, RegionId } from "../domain/units.ts";

const VERSION = 2;
const VERSION_WITHOUT_SLICES = 1;

/** Cloudflare takes messages of up to 128 KB; a parcel with its header stays below. */
export const MAX_PARCEL_EVENT_BYTES = 120_000;

export interface ParcelHeader {
  /** Name of the outbox object, where the parcel is confirmed. */
  outbox: string;
  /** Made once per life of the outbox's storage: numbers of another epoch are other parcels. */
  epoch: number;
  number: number;
  /** Parcels of this outbox and epoch below this number are confirmed, and never come again as new. */
  lowWater: number;
  /** Event clock of ingest when it accepted the first of the events. */
  receivedAt: EpochMs;
  /** The slices whose events it holds, as a mask: every slice in a parcel that is whole. */
  slices: number;
  regionId: RegionId;
  count: number;
}

export interface Parcel extends ParcelHeader {
  /** Packed events; a view into the message. */
  events: Uint8Array;
}

/** Appends a parcel whose packed events are `stretches`, in order. */
export function writeParcel(
  writer: ByteWriter,
  header: ParcelHeader,
  stretches: readonly Uint8Array[],
): void {
  writer.u8(VERSION);
  writer.f64(header.number);
  writer.f64(header.lowWater);
  writer.f64(header.receivedAt);
  writer.u32(header.epoch);
  writer.u16(header.slices);
  writer.shortAscii(header.outbox);
  writer.shortAscii(header.regionId);
  writer.u32(header.count);
  writer.u32(stretches.reduce((sum, { byteLength }) => sum + byteLength, 0));
  for (const stretch of stretches) writer.bytes(stretch);
}

/** Where the low-water mark stands: behind the version and the number. */
const LOW_WATER_AT = 9;

/** Brings the low-water mark of a parcel that was written before up to date; returns the same bytes. */
export function setLowWater<Bytes extends Uint8Array>(parcel: Bytes, lowWater: number): Bytes {
  new DataView(parcel.buffer, parcel.byteOffset).setFloat64(LOW_WATER_AT, lowWater, true);
  return parcel;
}

/** Reads the parcel that begins where `reader` stands. Throws RangeError on bytes that are no parcel. */
export function readParcel(reader: ByteReader): Parcel {
  const version = reader.u8();
  if (version !== VERSION && version !== VERSION_WITHOUT_SLICES) {
    throw new RangeError(`no parcel has version ${version}`);
  }
  const number = reader.f64();
  const lowWater = reader.f64();
  const receivedAt = reader.f64() as EpochMs;
  const epoch = reader.u32();
  const slices = version === VERSION_WITHOUT_SLICES ? ALL_SLICES : reader.u16();
  const outbox = reader.shortAscii();
  const regionId = reader.shortAscii() as RegionId;
  const count = reader.u32();
  const length = reader.u32();
  const events = reader.bytes(length);
  if (events.byteLength !== length) throw new RangeError("the parcel is cut short");
  return { outbox, epoch, number, lowWater, receivedAt, slices, regionId, count, events };
}

/** The parcel a queue message holds, or null when it holds none: someone else wrote to the queue. */
export function parcelOf(message: unknown): Parcel | null {
  if (!(message instanceof ArrayBuffer) && !ArrayBuffer.isView(message)) return null;
  const bytes =
    message instanceof ArrayBuffer
      ? new Uint8Array(message)
      : new Uint8Array(message.buffer, message.byteOffset, message.byteLength);
  try {
    return readParcel(new ByteReader(bytes));
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
