import type { ParcelHeader } from "../../contract/parcel.ts";
import type { ByteReader, ByteWriter } from "../../domain/bytes.ts";

interface Source {
  /** Parcels below it are known, all of them. */
  lowWater: number;
  /** Parcels from it on that are known. */
  seen: Set<number>;
}

/**
 * Which parcels a region has taken in.
 *
 * Outboxes send a parcel until it is confirmed, and tell with each the lowest number that is not: what lies below was
 * confirmed, so it was taken in, and need not be remembered one by one.
 */
export class ParcelLedger {
  private readonly sources = new Map<string, Source>();

  /** True when the parcel is new, which it then no longer is. */
  isFirst({ outbox, epoch, number, lowWater }: ParcelHeader): boolean {
    const name = `${outbox}/${epoch}`;
    let source = this.sources.get(name);
    if (!source) {
      source = { lowWater: 0, seen: new Set() };
      this.sources.set(name, source);
    }
    if (lowWater > source.lowWater) {
      source.lowWater = lowWater;
      for (const known of source.seen) if (known < lowWater) source.seen.delete(known);
    }
    if (number < source.lowWater || source.seen.has(number)) return false;
    source.seen.add(number);
    return true;
  }

  writeTo(writer: ByteWriter): void {
    writer.u32(this.sources.size);
    for (const [name, { lowWater, seen }] of this.sources) {
      writer.shortAscii(name);
      writer.f64(lowWater);
      writer.u32(seen.size);
      for (const number of seen) writer.f64(number);
    }
  }

  static readFrom(reader: ByteReader): ParcelLedger {
    const ledger = new ParcelLedger();
    const sources = reader.u32();
    for (let i = 0; i < sources; i++) {
      const name = reader.shortAscii();
      const lowWater = reader.f64();
      const count = reader.u32();
      const seen = new Set(Array.from({ length: count }, () => reader.f64()));
      ledger.sources.set(name, { lowWater, seen });
    }
    return ledger;
  }
}
