import type { ByteReader, ByteWriter } from "./bytes.ts";
import { type Reading, type Supply, VALIDITY_MS } from "./context.ts";
import { KeyTable } from "./key-table.ts";
import { type EpochMs, plus } from "./units.ts";

export const DRIVER_STATUSES = ["available", "busy", "offline"] as const;
export type DriverStatus = (typeof DRIVER_STATUSES)[number];

/** Drivers a region keeps at most; at that bound the silent ones go, and if none is silent, new ones are not noticed. */
const MAX_DRIVERS = 32_768;
const FIRST_ROOM = 64;

/**
 * The last status of each hashed driver, for regions that are told of drivers one by one.
 *
 * Columns of typed arrays, for the reason that KeyTable gives.
 */
export class Drivers {
  private count = 0;
  /** Place in the columns, plus one. */
  private places = new KeyTable();
  private high = new Uint32Array(FIRST_ROOM);
  private low = new Uint32Array(FIRST_ROOM);
  private seenAt = new Float64Array(FIRST_ROOM);
  private status = new Uint8Array(FIRST_ROOM);
  /** The newest instant any driver was seen at. */
  private newestAt = 0 as EpochMs;

  /** Notes where a driver stands; what is older than what is known of it changes nothing. */
  see(high: number, low: number, seenAt: EpochMs, status: DriverStatus): void {
    this.put(high, low, seenAt, DRIVER_STATUSES.indexOf(status));
  }

  /** Sees every driver as `other` last saw it. */
  addAll(other: Drivers): void {
    for (let i = 0; i < other.count; i++) {
      const seenAt = (other.seenAt[i] ?? 0) as EpochMs;
      this.put(other.high[i] ?? 0, other.low[i] ?? 0, seenAt, other.status[i] ?? 0);
    }
  }

  /** Drivers heard of in the last minutes as the supply they make; null when there are none. */
  supplyAt(asOf: EpochMs): Reading<Supply> | null {
    if (this.isSilent(this.newestAt, asOf)) return null;
    const counts = DRIVER_STATUSES.map(() => 0);
    for (let i = 0; i < this.count; i++) {
      const status = this.status[i] ?? 0;
      if (!this.isSilent(this.seenAt[i] ?? 0, asOf)) counts[status] = (counts[status] ?? 0) + 1;
    }
    const [available = 0, busy = 0] = counts;
    const validUntil = plus(this.newestAt, VALIDITY_MS.supply);
    return { value: { available, busy }, observedAt: this.newestAt, validUntil };
  }

  writeTo(writer: ByteWriter): void {
    writer.u32(this.count);
    for (let i = 0; i < this.count; i++) {
      writer.u32(this.high[i] ?? 0);
      writer.u32(this.low[i] ?? 0);
      writer.f64(this.seenAt[i] ?? 0);
      writer.u8(this.status[i] ?? 0);
    }
  }

  static readFrom(reader: ByteReader): Drivers {
    const drivers = new Drivers();
    const count = reader.u32();
    for (let i = 0; i < count; i++) {
      drivers.put(reader.u32(), reader.u32(), reader.f64() as EpochMs, reader.u8());
    }
    return drivers;
  }

  private isSilent(seenAt: number, now: number): boolean {
    return seenAt + VALIDITY_MS.supply <= now;
  }

  private put(high: number, low: number, seenAt: EpochMs, status: number): void {
    this.newestAt = Math.max(this.newestAt, seenAt) as EpochMs;
    const known = this.places.get(high, low) - 1;
    if (known >= 0) {
      const keptAt = this.seenAt[known] ?? 0;
      // Two statuses of one instant: the same one stays, whichever came first.
      if (seenAt < keptAt || (seenAt === keptAt && status < (this.status[known] ?? 0))) return;
      this.seenAt[known] = seenAt;
      this.status[known] = status;
      return;
    }
    if (this.count === this.high.length) this.makeRoom();
    if (this.count === MAX_DRIVERS) return;
    const place = this.count++;
    this.high[place] = high;
    this.low[place] = low;
    this.seenAt[place] = seenAt;
    this.status[place] = status;
    this.places.set(high, low, place + 1);
  }

  /** Forgets silent drivers, and doubles the columns where that frees less than half of them. */
  private makeRoom(): void {
    const { high, low, seenAt, status, count } = this;
    const kept: number[] = [];
    for (let i = 0; i < count; i++) {
      if (!this.isSilent(seenAt[i] ?? 0, this.newestAt)) kept.push(i);
    }
    const room = Math.min(MAX_DRIVERS, kept.length * 2 > count ? count * 2 : count);
    this.high = new Uint32Array(room);
    this.low = new Uint32Array(room);
    this.seenAt = new Float64Array(room);
    this.status = new Uint8Array(room);
    this.places = new KeyTable(kept.length);
    this.count = kept.length;
    for (const [to, from] of kept.entries()) {
      this.high[to] = high[from] ?? 0;
      this.low[to] = low[from] ?? 0;
      this.seenAt[to] = seenAt[from] ?? 0;
      this.status[to] = status[from] ?? 0;
      this.places.set(high[from] ?? 0, low[from] ?? 0, to + 1);
    }
  }
}
