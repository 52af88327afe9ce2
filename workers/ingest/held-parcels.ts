import { setLowWater } from "../../contract/parcel.ts";
import { ALL_SLICES } from "../../domain/slices.ts";
import type { RegionId } from "../../domain/units.ts";
import type { CountedSql } from "./counted-sql.ts";

const SCHEMA =
  "CREATE TABLE IF NOT EXISTS held (number INTEGER PRIMARY KEY, message BLOB NOT NULL)";

/** A region that takes nothing is tried with its oldest parcel, this often by the wall clock. */
const TRIED_EVERY_MS = 60_000;
/** A parcel that was sent is given this long to be confirmed. */
const RESEND_AFTER_MS = 5_000;
/** A region that takes parcels gets twice as many each time, up to this. */
const MAX_AT_ONCE = 32;
/** What is in memory of each is small, and not nothing. */
const MAX_HELD = 50_000;

interface Held {
  regionId: RegionId;
  size: number;
  /** Slices that are not confirmed, as a mask. */
  missing: number;
  sentAt: number;
}

interface Waiting {
  /** Ascending. */
  numbers: Set<number>;
  bytes: number;
  dueAt: number;
  /** How many are sent when it is due. */
  atOnce: number;
}

/** A parcel as it is held: its message is what the queue takes. */
export interface HeldParcel {
  number: number;
  regionId: RegionId;
  message: Uint8Array;
}

export interface HeldOfRegion {
  regionId: string;
  parcels: number;
  bytes: number;
}

/**
 * Parcels that their regions do not take while other regions take theirs.
 *
 * They leave their dispatches, so that a region that is broken holds up nobody else. Its oldest parcel is tried once a minute;
 * once it is taken the others follow, each under the number it has.
 */
export class HeldParcels {
  bytes = 0;
  private readonly sql: CountedSql;
  private readonly parcels = new Map<number, Held>();
  private readonly regions = new Map<RegionId, Waiting>();

  constructor(sql: CountedSql) {
    this.sql = sql;
    sql.write(SCHEMA);
    sql.addColumn("held", "region TEXT NOT NULL DEFAULT ''");
    const rows = sql.read<{ number: number; region: string; size: number }>(
      "SELECT number, region, length(message) AS size FROM held ORDER BY number",
    );
    for (const { number, region, size } of rows) this.note(number, region as RegionId, size);
  }

  /** The lowest number held; infinity when none is. */
  get lowest(): number {
    for (const number of this.parcels.keys()) return number;
    return Number.POSITIVE_INFINITY;
  }

  get isFull(): boolean {
    return this.parcels.size >= MAX_HELD;
  }

  /** When the next of them are to be sent, by the wall clock; infinity when none is held. */
  get dueAt(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const { dueAt } of this.regions.values()) earliest = Math.min(earliest, dueAt);
    return earliest;
  }

  byRegion(): HeldOfRegion[] {
    return Array.from(this.regions, ([regionId, { numbers, bytes }]) => ({
      regionId,
      parcels: numbers.size,
      bytes,
    }));
  }

  /**
   * Keeps parcels; numbers come in ascending order. `together` does writes so that all of them are stored or none: where it
   * throws, nothing is held.
   */
  hold(parcels: readonly HeldParcel[], together: (work: () => void) => void): void {
    together(() => {
      for (const { number, regionId, message } of parcels) {
        this.sql.write(
          "INSERT INTO held (number, region, message) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
          number,
          regionId,
          message,
        );
      }
    });
    for (const { number, regionId, message } of parcels) {
      if (!this.parcels.has(number)) this.note(number, regionId, message.byteLength);
    }
  }

  /** Takes note that `slices` of those of `numbers` that are held are stored: their regions take parcels again. */
  confirm(numbers: readonly number[], slices: number): void {
    for (const number of numbers) {
      const held = this.parcels.get(number);
      if (!held) continue;
      held.missing &= ~slices;
      if (held.missing !== 0) continue;
      this.sql.write("DELETE FROM held WHERE number = ?", number);
      this.forget(number, held);
    }
  }

  /** The messages to send now, about `mostBytes` of them, the oldest of each region first. */
  takeDue(wallNow: number, lowWater: number, mostBytes: number): Uint8Array<ArrayBuffer>[] {
    const messages: Uint8Array<ArrayBuffer>[] = [];
    let size = 0;
    for (const waiting of this.regions.values()) {
      if (waiting.dueAt > wallNow || size >= mostBytes) continue;
      waiting.dueAt = wallNow + TRIED_EVERY_MS;
      let left = waiting.atOnce;
      waiting.atOnce = 1;
      for (const number of waiting.numbers) {
        const held = this.parcels.get(number);
        if (left-- === 0 || !held) break;
        if (wallNow - held.sentAt < RESEND_AFTER_MS) continue;
        held.sentAt = wallNow;
        size += held.size;
        messages.push(setLowWater(this.messageOf(number), lowWater));
      }
    }
    return messages;
  }

  private messageOf(number: number): Uint8Array<ArrayBuffer> {
    const { message } = this.sql
      .read<{ message: ArrayBuffer }>("SELECT message FROM held WHERE number = ?", number)
      .one();
    return new Uint8Array(message);
  }

  private note(number: number, regionId: RegionId, size: number): void {
    const sentAt = Number.NEGATIVE_INFINITY;
    this.parcels.set(number, { regionId, size, missing: ALL_SLICES, sentAt });
    let waiting = this.regions.get(regionId);
    if (!waiting) {
      waiting = { numbers: new Set(), bytes: 0, dueAt: Number.NEGATIVE_INFINITY, atOnce: 1 };
      this.regions.set(regionId, waiting);
    }
    waiting.numbers.add(number);
    waiting.bytes += size;
    this.bytes += size;
  }

  private forget(number: number, { regionId, size }: Held): void {
    this.parcels.delete(number);
    this.bytes -= size;
    const waiting = this.regions.get(regionId);
    if (!waiting) return;
    waiting.numbers.delete(number);
    waiting.bytes -= size;
    waiting.dueAt = Number.NEGATIVE_INFINITY;
    waiting.atOnce = Math.min(MAX_AT_ONCE, 2 * waiting.atOnce + 1);
    if (waiting.numbers.size === 0) this.regions.delete(regionId);
  }
}
