import type { ParcelHeader } from "../../contract/parcel.ts";
import type { LayoutChange, ShardProgress } from "../../contract/region-layout.ts";
import type { ParcelsApplied } from "../../contract/rpc.ts";
import { ByteWriter } from "../../domain/bytes.ts";
import { takeDelta, writeDelta } from "../../domain/region-delta.ts";
import type { EpochMs } from "../../domain/units.ts";
import { type LatenessRules, reachMsOf } from "../../domain/watermark.ts";
import type { Sql } from "./counted-sql.ts";
import { writeReport } from "./shard-report.ts";
import { ShardReports } from "./shard-reports.ts";
import { StoredRegion } from "./stored-region.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS shard (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL, is_frozen INTEGER NOT NULL);
`;

/**
 * A shard's state together with its log: a region whose counts go out in reports.
 *
 * What it judges by (keys, watermark, ledger) is kept as a region keeps it. What it counts is taken out of the state whenever the
 * log is written, and stored as a report in the same transaction: what the log holds, the reports hold too, each event once.
 */
export class StoredShard {
  readonly reports: ShardReports;
  private readonly region: StoredRegion;
  private readonly sql: Sql;
  private readonly shard: number;
  private readonly reachMs: number;
  private eventsAhead = 0;
  /** The layout under which it counts, or under which it was frozen; 0 before the first. */
  private version = 0;
  private isFrozen = false;

  constructor(sql: Sql, shard: number, rules: LatenessRules) {
    this.sql = sql;
    this.shard = shard;
    this.reachMs = reachMsOf(rules);
    sql.exec(SCHEMA);
    this.reports = new ShardReports(sql);
    this.region = new StoredRegion(sql, rules);
    const [row] = sql.exec<{ version: number; is_frozen: number }>(
      "SELECT version, is_frozen FROM shard",
    );
    if (row) {
      this.version = row.version;
      this.isFrozen = row.is_frozen === 1;
    }
    // The log was played again; what it counts is in reports already.
    this.takeCounts();
  }

  /** True when it counts under the layout of this version. */
  countsUnder(version: number): boolean {
    return this.version === version && !this.isFrozen;
  }

  /** True when it counts nothing more that whoever takes slices over from it in this change would have to know. */
  canHandOver({ from, to }: LayoutChange): boolean {
    return this.version === to.version || (this.version === from.version && this.isFrozen);
  }

  /** True when it has taken over its slices for the layout of this version, or a later one. */
  hasReached(version: number): boolean {
    return this.version >= version;
  }

  get aheadBytes(): number {
    return this.region.aheadBytes;
  }

  /** Takes in parts of parcels, as `StoredRegion.apply` does. */
  apply(parts: readonly Uint8Array[], arrivedAt: EpochMs): ParcelsApplied {
    const applied = this.region.apply(parts, arrivedAt);
    this.eventsAhead += applied.events;
    return applied;
  }

  /** As `StoredRegion.takeAgain`. */
  takeAgain(broken: StoredShard): void {
    this.eventsAhead += this.region.takeAgain(broken.region);
  }

  /** Writes what arrived, and the report of it. `now` is the event clock. Call it in a transaction. */
  persist(now: EpochMs): void {
    const { region } = this;
    if (!region.isAhead) return;
    const { state } = region;
    const late = region.takeLate();
    const delta = new ByteWriter(16 * 1_024);
    writeDelta(delta, this.takeCounts(), state.forgetBeforeAt(now));
    const report = new ByteWriter(delta.length + late.byteLength + 64);
    writeReport(report, {
      ...this.progressAt(now),
      shard: this.shard,
      number: this.reports.next,
      events: this.eventsAhead,
      keys: state.parts.repeats.size,
      late,
      delta: delta.written(),
    });
    this.reports.add(report.copy());
    this.eventsAhead = 0;
    region.persist(now);
  }

  /** As `StoredRegion.takeConfirmable`; they may be confirmed once the reports are told. */
  takeConfirmable(): ParcelHeader[] {
    return this.region.takeConfirmable();
  }

  /** Stops counting under its layout, for good. Call it in a transaction. */
  freeze(now: EpochMs): void {
    this.persist(now);
    this.store(this.version, true);
  }

  /** Takes over slices, and counts under the layout of this version from now on. Call it in a transaction. */
  adopt(slices: readonly Uint8Array[], version: number, now: EpochMs): void {
    this.region.takeOver(slices, now);
    this.store(version, false);
  }

  handOver(slice: number, now: EpochMs): Uint8Array {
    return this.region.handOver(slice, now);
  }

  progressAt(now: EpochMs): ShardProgress {
    const { state } = this.region;
    return { watermarkAt: state.watermarkAt(now), newestEventAt: state.parts.newestEventAt };
  }

  /** Forgets what it judged by; reports stay. The caller drops this object then, and loads another. */
  clear(): void {
    this.store(this.version, true);
    this.region.clear();
  }

  private takeCounts() {
    return takeDelta(this.region.state.parts, this.reachMs);
  }

  private store(version: number, isFrozen: boolean): void {
    this.sql.exec(
      `INSERT INTO shard (id, version, is_frozen) VALUES (1, ?, ?)
       ON CONFLICT (id) DO UPDATE SET version = excluded.version, is_frozen = excluded.is_frozen`,
      version,
      isFrozen ? 1 : 0,
    );
    this.version = version;
    this.isFrozen = isFrozen;
  }
}
