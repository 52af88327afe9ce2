/**
 * What must be known to judge the events of one slice: how its keys and parcels travel from one object of a region to another.
 *
 *     u8 version | f64 watermarkAt | f64 newestEventAt | parcel ledger of the slice | u32 length | keys of the slice
 *
 * All of it stays true wherever it is carried: a key that was counted has been counted, a watermark never moves back. So taking
 * over is joining: twice is once, in any order, and what an object knew before of a slice does no harm.
 */
import { type ByteReader, ByteWriter } from "../../domain/bytes.ts";
import type { RegionState } from "../../domain/region-state.ts";
import type { EpochMs } from "../../domain/units.ts";
import type { ParcelLedger } from "./parcel-ledger.ts";

const VERSION = 1;

/** Who judges events: by keys and watermark of its state, and by its ledger. */
export interface Judge {
  state: RegionState;
  ledger: ParcelLedger;
}

/** What a judge who judges no more knows of a slice; `keys` are those of the slice (`Repeats.bySlice`). `now` is the event clock. */
export function handOverOf(
  { state, ledger }: Judge,
  slice: number,
  keys: Uint32Array,
  now: EpochMs,
): Uint8Array {
  const writer = new ByteWriter(keys.byteLength + 4_096);
  writer.u8(VERSION);
  writer.f64(state.watermarkAt(now));
  writer.f64(state.parts.newestEventAt);
  ledger.writeTo(writer, 1 << slice);
  writer.u32(keys.byteLength);
  writer.bytes(new Uint8Array(keys.buffer));
  return writer.copy();
}

/**
 * Takes over what `handOverOf` gave of a slice. The later watermark stands: where it comes from, older keys are forgotten, so older
 * events must be late here too. It is what one object would have made of all these events.
 */
export function takeOver(reader: ByteReader, { state, ledger }: Judge): void {
  const version = reader.u8();
  if (version !== VERSION) throw new RangeError(`no slice is handed over in version ${version}`);
  const { parts } = state;
  parts.watermarkAt = Math.max(parts.watermarkAt, reader.f64()) as EpochMs;
  parts.newestEventAt = Math.max(parts.newestEventAt, reader.f64()) as EpochMs;
  ledger.addFrom(reader);
  // A copy, since words have to begin on a multiple of four.
  const keys = reader.bytes(reader.u32()).slice();
  parts.repeats.addAll(new Uint32Array(keys.buffer));
}
