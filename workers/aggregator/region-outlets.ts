/**
 * What a region lets out by itself: signals of its closed windows, and its late events.
 *
 * Both are sent after what they say is stored, and again until whoever takes them has them. While parcels come this happens as
 * they are stored; for a region that went quiet there is an alarm. Setting it writes a row, so it is set once and not moved with
 * what arrives: it comes when what had happened by then has closed, and is set again while there is more.
 */
import { type Log, messageOf } from "../../contract/log.ts";
import type { OutboxIntakeRpc, OutletCounts } from "../../contract/rpc.ts";
import { type EpochMs, MINUTE_MS, type RegionId, SECOND_MS } from "../../domain/units.ts";
import type { LatenessRules } from "../../domain/watermark.ts";
import type { LateRow } from "./late-table.ts";
import { type LateQueue, sendLate } from "./send-late.ts";
import { composeTelling, type Telling, tell } from "./signal-teller.ts";
import type { StoredRegion } from "./stored-region.ts";

/** Wall time between two tellings: windows of fast virtual clocks, and corrections, are told together. */
const TELL_AT_MOST_EVERY_MS = 10 * SECOND_MS;
const LATE_ROWS_AT_ONCE = 20;
const MIN_ALARM_AFTER_MS = MINUTE_MS;

export interface OutletSeams {
  wallNow(): EpochMs;
  eventNow(): EpochMs;
  /** Event milliseconds per wall millisecond. */
  clockSpeed: number;
  rules: LatenessRules;
  signalsOutbox(name: string): OutboxIntakeRpc;
  lateQueue: LateQueue;
  alarm: { get(): Promise<number | null>; set(wallAt: number): Promise<void> };
}

/** What is to go out, composed at one instant. */
export interface Outgoing {
  telling: Telling | null;
  late: LateRow[];
}

export class RegionOutlets {
  private readonly seams: OutletSeams;
  private readonly regionId: RegionId;
  private readonly log: Log;
  private composedAt = Number.NEGATIVE_INFINITY;
  /** Undefined when it is not known; null when none is set. Wall clock. */
  private alarmAt: number | null | undefined;
  private signalsTold = 0;
  private signalsCorrected = 0;

  constructor(seams: OutletSeams, regionId: RegionId, log: Log) {
    this.seams = seams;
    this.regionId = regionId;
    this.log = log;
  }

  /**
   * Composes what is due. Everything that arrived has to be stored before this, and nothing may arrive between. Never throws, since
   * parcels are to be confirmed whatever can be told of them: null, and logged, when it did not succeed.
   */
  compose(region: StoredRegion): Outgoing | null {
    try {
      return this.composed(region);
    } catch (error) {
      const { regionId } = this;
      this.log("error", "what is due could not be composed", { regionId, error: messageOf(error) });
      return null;
    }
  }

  private composed(region: StoredRegion): Outgoing {
    const { wallNow, eventNow } = this.seams;
    const wallAt = wallNow();
    const now = eventNow();
    const late = region.lateTable?.takeDue(wallAt, LATE_ROWS_AT_ONCE) ?? [];
    const isDue =
      region.notes.signals.isDue(region.state, now) || region.notes.signals.untold(1).length > 0;
    if (
      region.notes.replayedTo !== null ||
      !isDue ||
      wallAt - this.composedAt < TELL_AT_MOST_EVERY_MS
    ) {
      return { telling: null, late };
    }
    this.composedAt = wallAt;
    return { telling: composeTelling(region, this.regionId, now), late };
  }

  /** Sends what was composed. Never rejects: what does not get through is composed again. */
  async send({ telling, late }: Outgoing, loaded: () => StoredRegion): Promise<void> {
    const { regionId, seams } = this;
    const logged = (what: string) => (error: unknown) => {
      this.log("error", what, { regionId, error: messageOf(error) });
    };
    await Promise.all([
      telling && this.tell(telling, loaded).catch(logged("signals were not told")),
      late.length > 0 &&
        sendLate(late, regionId, seams.lateQueue).catch(logged("late events were not sent")),
    ]);
  }

  /** After how much wall time there is something to do again, as far as is known; null when there is nothing. */
  nextAfterMs(region: StoredRegion): number | null {
    const { wallNow, eventNow, clockSpeed, rules } = this.seams;
    const wallAt = wallNow();
    const waits: number[] = [];
    const lateAt = region.lateTable?.nextDueAt ?? null;
    if (lateAt !== null) waits.push(lateAt - wallAt);
    if (region.notes.replayedTo === null) {
      const soonest = this.composedAt + TELL_AT_MOST_EVERY_MS - wallAt;
      if (region.notes.signals.untold(1).length > 0) waits.push(soonest);
      const closesAt = region.notes.signals.nextCloseAt(region.state);
      if (closesAt !== null) {
        // The watermark of a quiet region trails the clock by this much.
        const idlesAt = closesAt + rules.outOfOrdernessMs + rules.idleAfterMs;
        waits.push(Math.max(soonest, (idlesAt - eventNow()) / clockSpeed));
      }
    }
    return waits.length === 0 ? null : Math.max(SECOND_MS, Math.min(...waits));
  }

  /** Sees to it that an alarm is set while there is something to do. */
  async ensureAlarm(region: StoredRegion): Promise<void> {
    const afterMs = this.nextAfterMs(region);
    if (afterMs === null) return;
    const { alarm, wallNow, clockSpeed, rules } = this.seams;
    if (this.alarmAt === undefined) this.alarmAt = await alarm.get();
    if (this.alarmAt !== null) return;
    const quietMs = (rules.outOfOrdernessMs + rules.idleAfterMs + MINUTE_MS) / clockSpeed;
    const alarmAt = wallNow() + Math.max(MIN_ALARM_AFTER_MS, quietMs, afterMs);
    this.alarmAt = alarmAt;
    try {
      await alarm.set(alarmAt);
    } catch (error) {
      this.alarmAt = undefined;
      throw error;
    }
  }

  /** Takes note that the alarm came, and is not set any more. */
  alarmCame(): void {
    this.alarmAt = null;
  }

  takeCounts(region: StoredRegion): OutletCounts {
    const { signalsTold, signalsCorrected } = this;
    this.signalsTold = 0;
    this.signalsCorrected = 0;
    const lateDropped = region.lateTable?.takeDropped() ?? 0;
    return { signalsTold, signalsCorrected, lateDropped, lateDepth: region.lateTable?.depth ?? 0 };
  }

  private async tell(telling: Telling, loaded: () => StoredRegion): Promise<void> {
    if (!(await tell(telling, this.seams.signalsOutbox))) return;
    const { signals } = telling;
    loaded().notes.signals.told(signals);
    this.signalsTold += signals.length;
    this.signalsCorrected += signals.filter(({ revision }) => revision > 1).length;
  }
}
