import { EventCursor } from "../../contract/packed-events.ts";
import { type Parcel, readParcel } from "../../contract/parcel.ts";
import type { ParcelsApplied } from "../../contract/rpc.ts";
import { ByteReader, ByteWriter } from "../../domain/bytes.ts";
import type { EarlierBookings } from "../../domain/quarter-hours.ts";
import { readRegion, writeRegion } from "../../domain/region-checkpoint.ts";
import { emptyRegion, RegionState } from "../../domain/region-state.ts";
import type { EpochMs } from "../../domain/units.ts";
import type { LatenessRules } from "../../domain/watermark.ts";
import { ParcelLedger } from "./parcel-ledger.ts";
import { MAX_LOG_ROW_BYTES, RegionLog } from "./region-log.ts";

/** A region's state together with its log: what changes the one is in the other before anyone is told. */
export class StoredRegion {
  readonly state: RegionState;
  private readonly ledger: ParcelLedger;
  private readonly log: RegionLog;

  /** Reads the checkpoint and plays the log again. */
  constructor(sql: SqlStorage, rules: LatenessRules) {
    this.log = new RegionLog(sql);
    const { checkpoint, arrivals } = this.log.load();
    if (checkpoint) {
      const reader = new ByteReader(checkpoint);
      this.state = new RegionState(readRegion(reader), rules);
      this.ledger = ParcelLedger.readFrom(reader);
    } else {
      this.state = new RegionState(emptyRegion(), rules);
      this.ledger = new ParcelLedger();
    }
    for (const row of arrivals) this.replay(row);
  }

  /**
   * Takes in parcels at `arrivedAt` (event clock), each once. When this throws, the state in memory may be ahead of what is
   * stored: the caller must load it anew.
   */
  apply(messages: readonly Uint8Array[], arrivedAt: EpochMs): ParcelsApplied {
    const { totals } = this.state.parts;
    const before = { ...totals };
    const fresh: Uint8Array[] = [];
    const late = new ByteWriter();
    let events = 0;
    for (const message of messages) {
      const parcel = readParcel(new ByteReader(message));
      if (!this.ledger.isFirst(parcel)) continue;
      fresh.push(message);
      events += parcel.count;
      this.arrive(parcel, arrivedAt, late);
    }
    this.keep(fresh, arrivedAt);
    if (late.length > 0) this.log.setAside(arrivedAt, late.written());
    return {
      events,
      duplicates: totals.duplicates - before.duplicates,
      late: totals.late - before.late,
      repeatedParcels: messages.length - fresh.length,
      watermarkLagMs: arrivedAt - this.state.watermarkAt(arrivedAt),
    };
  }

  /** Replaces what is known of the time before the region's first event. */
  setEarlierBookings(earlier: EarlierBookings, now: EpochMs): void {
    this.state.setEarlierBookings(earlier);
    this.checkpoint(now);
  }

  private arrive({ regionId, events, receivedAt }: Parcel, arrivedAt: EpochMs, late?: ByteWriter) {
    const cursor = new EventCursor(regionId, events);
    this.state.arrive(cursor, receivedAt, arrivedAt, (_, verdict) => {
      if (verdict === "late") late?.bytes(events.subarray(cursor.startAt, cursor.endAt));
    });
  }

  private keep(parcels: readonly Uint8Array[], arrivedAt: EpochMs): void {
    const size = parcels.reduce((sum, { byteLength }) => sum + byteLength, 0);
    if (size === 0) return;
    if (this.log.isDue(size)) {
      this.checkpoint(arrivedAt);
      return;
    }
    const row = new ByteWriter(8 + size);
    for (const [i, parcel] of parcels.entries()) {
      if (row.length === 0) row.f64(arrivedAt);
      row.bytes(parcel);
      const next = parcels[i + 1];
      if (next && row.length + next.byteLength <= MAX_LOG_ROW_BYTES) continue;
      this.log.append(row.written());
      row.clear();
    }
  }

  private checkpoint(now: EpochMs): void {
    const writer = new ByteWriter(64 * 1_024);
    writeRegion(writer, this.state, now);
    this.ledger.writeTo(writer);
    this.log.checkpoint(writer.written());
  }

  private replay(row: Uint8Array): void {
    const reader = new ByteReader(row);
    const arrivedAt = reader.f64() as EpochMs;
    while (!reader.isAtEnd) {
      const parcel = readParcel(reader);
      if (this.ledger.isFirst(parcel)) this.arrive(parcel, arrivedAt);
    }
  }
}
