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

/** What is known of each slice by a judge who judges no more. `now` is the event clock. */
export function handOversOf({ state, ledger }: Judge, now: EpochMs): Uint8Array[] {
  return state.parts.repeats.bySlice(state.forgetBeforeAt(now)).map((words, slice) => {
    const writer = new ByteWriter(words.byteLength + 1_024);
    writer.u8(VERSION);
    writer.f64(state.watermarkAt(now));
    writer.f64(state.parts.newestEventAt);
    ledger.writeTo(writer, 1 << slice);
    writer.u32(words.byteLength);
    writer.bytes(new Uint8Array(words.buffer));
    return writer.copy();
  });
}

/**
 * Takes over what `handOversOf` gave of a slice. The later watermark stands: where it comes from, older keys are forgotten, so older
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
