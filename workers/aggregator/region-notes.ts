import type { ByteReader, ByteWriter } from "../../domain/bytes.ts";
import type { EpochMs } from "../../domain/units.ts";
import { WindowSignals } from "../../domain/window-signals.ts";

/** What a region keeps beside its state: what it has told of it, and to whom. */
export class RegionNotes {
  signals = new WindowSignals();
  /** The outbox that parcels came from last; null before the first. */
  outbox: string | null = null;
  /** How far a region that is only played again has come, by the event clock; null in one that is live. */
  replayedTo: EpochMs | null = null;
  /** The highest number that a row of late events has had. */
  lastLateRow = 0;
  private written = this.mark;

  /** True when something changed since it was last written or read. */
  get isAhead(): boolean {
    return this.mark !== this.written;
  }

  writeTo(writer: ByteWriter): void {
    this.signals.writeTo(writer);
    writer.shortAscii(this.outbox ?? "");
    writer.f64(this.replayedTo ?? Number.NaN);
    writer.f64(this.lastLateRow);
    this.written = this.mark;
  }

  /** Takes over what was written. */
  readFrom(reader: ByteReader): void {
    this.signals = WindowSignals.readFrom(reader);
    const outbox = reader.shortAscii();
    const replayedTo = reader.f64();
    this.outbox = outbox === "" ? null : outbox;
    this.replayedTo = Number.isNaN(replayedTo) ? null : (replayedTo as EpochMs);
    this.lastLateRow = reader.f64();
    this.written = this.mark;
  }

  private get mark(): string {
    return `${this.signals.version} ${this.outbox} ${this.replayedTo} ${this.lastLateRow}`;
  }
}
