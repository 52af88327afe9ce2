import { EventCursor } from "../../contract/packed-events.ts";
import { type Parcel, type ParcelHeader, readParcel } from "../../contract/parcel.ts";
import type { ShardProgress } from "../../contract/region-layout.ts";
import type { ParcelsApplied } from "../../contract/rpc.ts";
import { ByteReader, ByteWriter } from "../../domain/bytes.ts";
import type { EarlierBookings } from "../../domain/quarter-hours.ts";
import { addDelta, readDelta } from "../../domain/region-delta.ts";
import type { RegionState } from "../../domain/region-state.ts";
import { Repeats } from "../../domain/repeats.ts";
import { eventsOfSlices } from "../../domain/slices.ts";
import type { EpochMs } from "../../domain/units.ts";
import { type LatenessRules, reachMsOf } from "../../domain/watermark.ts";
import { Arrivals, entriesOf } from "./arrivals.ts";
import type { Sql } from "./counted-sql.ts";
import { handOverOf, takeOver } from "./hand-over.ts";
import type { LateTable } from "./late-table.ts";
import { ParcelLedger } from "./parcel-ledger.ts";
import { RegionLog } from "./region-log.ts";
import type { RegionNotes } from "./region-notes.ts";
import { isReport, readReport, type ShardReport } from "./shard-report.ts";
import type { ShardsHeard } from "./shards-heard.ts";
import { readCheckpoint, writeCheckpoint } from "./stored-checkpoint.ts";

/**
 * A region's state together with its log.
 *
 * What arrives changes the state at once and the log only when `persist` is called, which writes all of it as one row: a flush
 * to disk costs more than a thousand events. Until then its parcels are not confirmed, so whatever memory loses is sent again.
 */
export class StoredRegion {
  readonly state: RegionState;
  ledger: ParcelLedger;
  readonly shards: ShardsHeard;
  readonly notes: RegionNotes;
  /** Null in a shard, which tells its root what was late, and nobody of its windows. */
  readonly lateTable: LateTable | null;
  private readonly reachMs: number;
  /** While slices are fetched: until something is counted again. */
  private keysBySlice: Uint32Array[] | null = null;
  private readonly log: RegionLog;
  private readonly arrivals = new Arrivals();
  private readonly late = new ByteWriter(256);
  /** Parcels, new or known, whose outboxes wait to hear that they are stored. */
  private unconfirmed: ParcelHeader[] = [];

  /** Reads the checkpoint and plays the log again. */
  constructor(sql: Sql, rules: LatenessRules, lateTable: LateTable | null = null) {
    this.lateTable = lateTable;
    this.log = new RegionLog(sql);
    this.reachMs = reachMsOf(rules);
    const { checkpoint, rows } = this.log.load();
    const { state, ledger, shards, notes } = readCheckpoint(checkpoint, rules);
    this.state = state;
    this.ledger = ledger;
    this.shards = shards;
    this.notes = notes;
    for (const row of rows) this.replay(row);
  }

  /**
   * Takes in parcels at `arrivedAt` (event clock), each once, in memory. When it throws, one of them is half counted: the caller
   * drops this object, loads another, and has it take in again what came before (`takeAgain`).
   */
  apply(messages: readonly Uint8Array[], arrivedAt: EpochMs): ParcelsApplied {
    const { totals } = this.state.parts;
    const before = { ...totals };
    this.keysBySlice = null;
    let events = 0;
    let repeatedParcels = 0;
    for (const message of messages) {
      const parcel = readParcel(new ByteReader(message));
      const slices = this.ledger.take(parcel);
      if (slices === 0) repeatedParcels++;
      else {
        this.arrive(parcel, slices, arrivedAt, this.late);
        this.arrivals.add(message, arrivedAt);
        events += parcel.count;
      }
      this.unconfirmed.push(parcel);
      this.notes.outbox = parcel.outbox;
    }
    return {
      events,
      duplicates: totals.duplicates - before.duplicates,
      late: totals.late - before.late,
      repeatedParcels,
      watermarkLagMs: arrivedAt - this.state.watermarkAt(arrivedAt),
    };
  }

  /** Adds what shards counted, each report once, in memory; failures as in `apply`. Returns the events of the reports that were new. */
  addReports(messages: readonly Uint8Array[], arrivedAt: EpochMs): number {
    let events = 0;
    for (const message of messages) {
      const report = readReport(new ByteReader(message));
      if (!this.addReport(report, arrivedAt)) continue;
      this.arrivals.add(message, arrivedAt);
      this.late.bytes(report.late);
      events += report.events;
    }
    return events;
  }

  /**
   * Takes in again, in memory, what `broken` had taken in and not stored before it threw; both were read from the same storage.
   * Returns the events of it.
   */
  takeAgain({ arrivals, unconfirmed }: StoredRegion): number {
    let events = 0;
    for (const [message, arrivedAt] of arrivals) {
      events += isReport(new ByteReader(message))
        ? this.addReports([message], arrivedAt)
        : this.apply([message], arrivedAt).events;
    }
    // Those that were known already are among them, and are not in `arrivals`.
    this.unconfirmed = unconfirmed;
    return events;
  }

  /** True when something arrived that is not in the log yet. */
  get isAhead(): boolean {
    return !this.arrivals.isEmpty;
  }

  /** Bytes that arrived and are not in the log yet. */
  get aheadBytes(): number {
    return this.arrivals.byteLength;
  }

  /** Writes what arrived since the last call. `now` is the event clock. When it throws, the caller drops this object. */
  persist(now: EpochMs): void {
    if (this.isAhead) this.write(now);
  }

  /** Writes what was told, where that is not written yet. Otherwise it goes with what arrives next. */
  persistNotes(now: EpochMs): void {
    if (this.isAhead || this.notes.isAhead) this.write(now);
  }

  private write(eventNow: EpochMs): void {
    const { notes, lateTable } = this;
    const now = notes.replayedTo ?? eventNow;
    if (lateTable && this.late.length > 0) {
      notes.lastLateRow = lateTable.put(this.late.written(), now, notes.lastLateRow);
    }
    this.late.clear();
    if (this.log.isDue(this.aheadBytes)) this.checkpoint(now);
    else this.append();
    this.arrivals.clear();
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
    this.lookAtWindows(arrivedAt);
    this.state.arrive(fresh, receivedAt, arrivedAt, (_, verdict) => {
      if (verdict === "late") late?.bytes(events.subarray(cursor.startAt, cursor.endAt));
    });
  }

  /** What must be known to judge the events of a slice. The caller has stopped counting for good, or until it takes slices over. */
  handOver(slice: number, now: EpochMs): Uint8Array {
    this.keysBySlice ??= this.state.parts.repeats.bySlice(this.state.forgetBeforeAt(now));
    const keys = this.keysBySlice[slice];
    if (!keys) throw new RangeError(`there is no slice ${slice}`);
    return handOverOf(this, slice, keys, now);
  }

  /** Takes over slices from whoever judged them before; stored when this returns. */
  takeOver(slices: readonly Uint8Array[], now: EpochMs): void {
    this.keysBySlice = null;
    for (const slice of slices) takeOver(new ByteReader(slice), this);
    this.persist(now);
    this.checkpoint(now);
  }

  /** From now on shards judge what comes, each from where it is; what was judged by here is theirs. Stored when this returns. */
  leaveTo(shards: readonly ShardProgress[], now: EpochMs): void {
    this.persist(now);
    this.keysBySlice = null;
    this.state.parts.repeats = new Repeats();
    this.ledger = new ParcelLedger();
    this.shards.begin(shards);
    this.followShards();
    this.checkpoint(now);
  }

  /** Judges again what comes, by what the shards handed over. Stored when this returns. */
  takeBack(slices: readonly Uint8Array[], now: EpochMs): void {
    this.shards.begin([]);
    this.takeOver(slices, now);
  }

  /** The late events that arrived since the last call or `persist`, packed, for whoever puts them aside instead of `persist`. */
  takeLate(): Uint8Array {
    const late = this.late.copy();
    this.late.clear();
    return late;
  }

  /** True when the report is new; then what it counted is part of the state, whose progress is the least of the shards'. */
  private addReport(report: ShardReport, arrivedAt: EpochMs): boolean {
    if (!this.shards.isFirst(report)) return false;
    const { state } = this;
    this.lookAtWindows(arrivedAt);
    state.parts.beganAt ??= arrivedAt;
    const delta = readDelta(new ByteReader(report.delta), this.reachMs);
    addDelta(state.parts, delta, state.forgetBeforeAt(arrivedAt));
    this.followShards();
    return true;
  }

  /** Forgets everything that is stored; the caller drops this object then. */
  clear(): void {
    this.log.clear();
  }

  /** Looks at the windows before anything new is counted, so that what was told already is told alike. */
  lookAgain(now: EpochMs): void {
    const { notes, state } = this;
    const { beganAt } = state.parts;
    if (beganAt !== null && notes.replayedTo === null) notes.signals.collect(state, now);
  }

  /** After a long time, what comes now would push out of memory what was not told of the time before. */
  private lookAtWindows(arrivedAt: EpochMs): void {
    const { state, lateTable } = this;
    const { signals } = this.notes;
    if (lateTable && signals.isBehind(state, arrivedAt)) signals.collect(state, arrivedAt);
  }

  private followShards(): void {
    const { parts } = this.state;
    const { least } = this.shards;
    if (!least) return;
    parts.watermarkAt = Math.max(parts.watermarkAt, least.watermarkAt) as EpochMs;
    parts.newestEventAt = least.newestEventAt;
  }

  private append(): void {
    const notes = this.notes.isAhead ? this.notesBytes() : null;
    this.arrivals.writeRows(notes, (row) => this.log.append(row));
  }

  private notesBytes(): Uint8Array {
    const writer = new ByteWriter(1_024);
    this.notes.writeTo(writer);
    return writer.written();
  }

  private checkpoint(now: EpochMs): void {
    const writer = new ByteWriter(64 * 1_024);
    // What is forgotten now may still count in windows that nobody has looked at.
    if (this.lateTable) this.notes.signals.collect(this.state, now);
    writeCheckpoint(writer, this, now);
    this.log.checkpoint(writer.written());
  }

  private replay(row: Uint8Array): void {
    for (const { arrivedAt, reader } of entriesOf(row)) {
      if (arrivedAt === null) {
        this.notes.readFrom(reader);
        continue;
      }
      while (!reader.isAtEnd) {
        if (isReport(reader)) {
          this.addReport(readReport(reader), arrivedAt);
          continue;
        }
        const parcel = readParcel(reader);
        const slices = this.ledger.take(parcel);
        if (slices !== 0) this.arrive(parcel, slices, arrivedAt);
      }
    }
  }
}
