/**
 * What a shard tells its root: everything it counted since its last report.
 *
 *     u8 mark | u8 shard | f64 number | f64 watermarkAt | f64 newestEventAt | u32 events | u32 keys
 *     u32 length, packed late events | u32 length, delta
 *
 * Numbered from 1 without gaps over the whole life of the shard's object, and stored before it is sent, so it can be sent as often
 * as it takes and is added once. The mark tells it from a parcel in the root's log.
 */
import type { ByteReader, ByteWriter } from "../../domain/bytes.ts";
import type { EpochMs } from "../../domain/units.ts";

const MARK = 0xd1;

export interface ShardReport {
  shard: number;
  number: number;
  watermarkAt: EpochMs;
  newestEventAt: EpochMs;
  /** Events it took in, repeats and late ones among them. */
  events: number;
  /** Keys it remembers. */
  keys: number;
  /** Packed events that were late. */
  late: Uint8Array;
  /** `writeDelta` of domain/region-delta.ts. */
  delta: Uint8Array;
}

export function writeReport(writer: ByteWriter, report: ShardReport): void {
  writer.u8(MARK);
  writer.u8(report.shard);
  writer.f64(report.number);
  writer.f64(report.watermarkAt);
  writer.f64(report.newestEventAt);
  writer.u32(report.events);
  writer.u32(report.keys);
  for (const bytes of [report.late, report.delta]) {
    writer.u32(bytes.byteLength);
    writer.bytes(bytes);
  }
}

/** True when a report begins where `reader` stands, which it does not move. */
export function isReport(reader: ByteReader): boolean {
  return reader.source[reader.at] === MARK;
}

/** Reads a report; late events and delta are views. Throws RangeError on bytes that are none. */
export function readReport(reader: ByteReader): ShardReport {
  const mark = reader.u8();
  if (mark !== MARK) throw new RangeError(`no report begins with ${mark}`);
  return {
    shard: reader.u8(),
    number: reader.f64(),
    watermarkAt: reader.f64() as EpochMs,
    newestEventAt: reader.f64() as EpochMs,
    events: reader.u32(),
    keys: reader.u32(),
    late: reader.bytes(reader.u32()),
    delta: reader.bytes(reader.u32()),
  };
}
