import type { ParcelHeader } from "../../contract/parcel.ts";
import type { ByteReader, ByteWriter } from "../../domain/bytes.ts";
import { ALL_SLICES } from "../../domain/slices.ts";

interface Source {
  /** Parcels below it are known, all of them. */
  lowWater: number;
  /** Parcels from it on of which slices are known, with the mask of these. */
  seen: Map<number, number>;
}

/** Stands where the version before had the number of sources, which was never as large. */
const WITH_SLICES = 0xffff_fff2;

/**
 * Which slices of which parcels a region, or a shard of it, has taken in.
 *
 * Outboxes send a parcel until it is confirmed, and tell with each the lowest number that is not: what lies below was
 * confirmed, so it was taken in, and need not be remembered one by one. What a ledger knows stays true for ever, wherever it is
 * carried: two ledgers become one by joining what they know, as often and in any order one likes.
 */
export class ParcelLedger {
  private readonly sources = new Map<string, Source>();

  /** The slices of a parcel that are new, which they then no longer are; 0 when it is known. */
  take({ outbox, epoch, number, slices, lowWater }: ParcelHeader): number {
    const source = this.sourceNamed(`${outbox}/${epoch}`);
    raiseLowWater(source, lowWater);
    if (number < source.lowWater) return 0;
    const known = source.seen.get(number) ?? 0;
    source.seen.set(number, known | slices);
    return slices & ~known;
  }

  /** Appends what is known of some slices. */
  writeTo(writer: ByteWriter, slices = ALL_SLICES): void {
    writer.u32(WITH_SLICES);
    writer.u32(this.sources.size);
    for (const [name, { lowWater, seen }] of this.sources) {
      const known = [...seen].filter(([, mask]) => (mask & slices) !== 0);
      writer.shortAscii(name);
      writer.f64(lowWater);
      writer.u32(known.length);
      for (const [number, mask] of known) {
        writer.f64(number);
        writer.u16(mask & slices);
      }
    }
  }

  /** Joins what another ledger wrote to what is known here. */
  addFrom(reader: ByteReader): void {
    const first = reader.u32();
    const hasSlices = first === WITH_SLICES;
    const sources = hasSlices ? reader.u32() : first;
    for (let i = 0; i < sources; i++) {
      const source = this.sourceNamed(reader.shortAscii());
      raiseLowWater(source, reader.f64());
      const count = reader.u32();
      for (let n = 0; n < count; n++) {
        const number = reader.f64();
        const mask = hasSlices ? reader.u16() : ALL_SLICES;
        if (number < source.lowWater) continue;
        source.seen.set(number, (source.seen.get(number) ?? 0) | mask);
      }
    }
  }

  static readFrom(reader: ByteReader): ParcelLedger {
    const ledger = new ParcelLedger();
    ledger.addFrom(reader);
    return ledger;
  }

  private sourceNamed(name: string): Source {
    let source = this.sources.get(name);
    if (!source) {
      source = { lowWater: 0, seen: new Map() };
      this.sources.set(name, source);
    }
    return source;
  }
}

function raiseLowWater(source: Source, lowWater: number): void {
  if (lowWater <= source.lowWater) return;
  source.lowWater = lowWater;
  for (const known of source.seen.keys()) if (known < lowWater) source.seen.delete(known);
}
