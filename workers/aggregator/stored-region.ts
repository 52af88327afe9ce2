import { EventCursor } from "../../contract/packed-events.ts";
import { type Parcel, type ParcelHeader, readParcel } from "../../contract/parcel.ts";
import type { ParcelsApplied } from "../../contract/rpc.ts";
import { ByteReader, ByteWriter } from "../../domain/bytes.ts";
import type { EarlierBookings } from "../../domain/quarter-hours.ts";
import { readRegion, writeRegion } from "../../domain/region-checkpoint.ts";
import { emptyRegion, RegionState } from "../../domain/region-state.ts";
import { eventsOfSlices } from "../../domain/slices.ts";
import type { EpochMs } from "../../domain/units.ts";
import type { LatenessRules } from "../../domain/watermark.ts";
import { ParcelLedger } from "./parcel-ledger.ts";
import { MAX_LOG_ROW_BYTES, RegionLog } from "./region-log.ts";

/** Parcels that came together, as the log keeps them: f64 arrivedAt | u32 length | parcels. */
interface Arrival {
  arrivedAt: EpochMs;
  parcels: Uint8Array[];
  byteLength: number;
}

const ARRIVAL_HEADER_BYTES = 12;

/**
 * A region's state together with its log.
 *
 * What arrives changes the state at once and the log only when `persist` is called, which writes all of it as one row: a flush
 * to disk costs more than a thousand events. Until then its parcels are not confirmed, so whatever memory loses is sent again.
 */
export class StoredRegion {
  readonly state: RegionState;
  private readonly ledger: ParcelLedger;
  private readonly log: RegionLog;
  private arrivals: Arrival[] = [];
  private readonly late = new ByteWriter(256);
  /** Parcels, new or known, whose outboxes wait to hear that they are stored. */
  private unconfirmed: ParcelHeader[] = [];

  /** Reads the checkpoint and plays the log again. */
  constructor(sql: SqlStorage, rules: LatenessRules) {
    this.log = new RegionLog(sql);
    const { checkpoint, rows } = this.log.load();
    if (checkpoint) {
      const reader = new ByteReader(checkpoint);
      this.state = new RegionState(readRegion(reader), rules);
      this.ledger = ParcelLedger.readFrom(reader);
    } else {
      this.state = new RegionState(emptyRegion(), rules);
      this.ledger = new ParcelLedger();
    }
    for (const row of rows) this.replay(row);
  }

  /**
   * Takes in parcels at `arrivedAt` (event clock), each once, in memory. When this or `persist` throws, memory may be ahead of
   * what is stored: the caller drops this object and loads another.
   */
  apply(messages: readonly Uint8Array[], arrivedAt: EpochMs): ParcelsApplied {
    const { totals } = this.state.parts;
    const before = { ...totals };
    const fresh: Uint8Array[] = [];
    let events = 0;
    for (const message of messages) {
      const parcel = readParcel(new ByteReader(message));
      this.unconfirmed.push(parcel);
      const slices = this.ledger.take(parcel);
      if (slices === 0) continue;
      fresh.push(message);
      events += parcel.count;
      this.arrive(parcel, slices, arrivedAt, this.late);
    }
    if (fresh.length > 0) {
      const byteLength = fresh.reduce((sum, parcel) => sum + parcel.byteLength, 0);
      this.arrivals.push({ arrivedAt, parcels: fresh, byteLength });
    }
    return {
      events,
      duplicates: totals.duplicates - before.duplicates,
      late: totals.late - before.late,
      repeatedParcels: messages.length - fresh.length,
      watermarkLagMs: arrivedAt - this.state.watermarkAt(arrivedAt),
    };
  }

  /** True when something arrived that is not in the log yet. */
  get isAhead(): boolean {
    return this.arrivals.length > 0;
  }

  /** Bytes that arrived and are not in the log yet. */
  get aheadBytes(): number {
    return this.arrivals.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /** Writes what arrived since the last call. `now` is the event clock. */
  persist(now: EpochMs): void {
    const { arrivals } = this;
    if (arrivals.length === 0) return;
    if (this.log.isDue(this.aheadBytes)) this.checkpoint(now);
    else this.append(arrivals);
    this.arrivals = [];
    if (this.late.length > 0) this.log.setAside(now, this.late.written());
    this.late.clear();
  }

  /** The parcels that are stored and have not been told to their outboxes; each is returned once. */
  takeConfirmable(): ParcelHeader[] {
    if (this.isAhead) throw new Error("what is not stored cannot be confirmed");
    const { unconfirmed } = this;
    this.unconfirmed = [];
    return unconfirmed;
  }

  /** Replaces what is known of the time before the region's first event. */
  setEarlierBookings(earlier: EarlierBookings, now: EpochMs): void {
    this.persist(now);
    this.state.setEarlierBookings(earlier);
    this.checkpoint(now);
  }

  /** Takes in the events of a parcel that belong to `slices`, which are all of them unless it was taken in in parts before. */
  private arrive(parcel: Parcel, slices: number, arrivedAt: EpochMs, late?: ByteWriter): void {
    const { regionId, events, receivedAt } = parcel;
    const cursor = new EventCursor(regionId, events);
    const fresh = slices === parcel.slices ? cursor : eventsOfSlices(cursor, slices);
    this.state.arrive(fresh, receivedAt, arrivedAt, (_, verdict) => {
      if (verdict === "late") late?.bytes(events.subarray(cursor.startAt, cursor.endAt));
    });
  }

  private append(arrivals: readonly Arrival[]): void {
    const row = new ByteWriter(this.aheadBytes + ARRIVAL_HEADER_BYTES * arrivals.length);
    for (const { arrivedAt, parcels, byteLength } of arrivals) {
      const size = ARRIVAL_HEADER_BYTES + byteLength;
      if (row.length > 0 && row.length + size > MAX_LOG_ROW_BYTES) {
        this.log.append(row.written());
        row.clear();
      }
      row.f64(arrivedAt);
      row.u32(byteLength);
      for (const parcel of parcels) row.bytes(parcel);
    }
    this.log.append(row.written());
  }

  private checkpoint(now: EpochMs): void {
    const writer = new ByteWriter(64 * 1_024);
    writeRegion(writer, this.state, now);
    this.ledger.writeTo(writer);
    this.log.checkpoint(writer.written());
  }

  private replay(row: Uint8Array): void {
    const reader = new ByteReader(row);
    while (!reader.isAtEnd) {
      const arrivedAt = reader.f64() as EpochMs;
      const parcels = new ByteReader(reader.bytes(reader.u32()));
      while (!parcels.isAtEnd) {
        const parcel = readParcel(parcels);
        const slices = this.ledger.take(parcel);
        if (slices !== 0) this.arrive(parcel, slices, arrivedAt);
      }
    }
  }
}
