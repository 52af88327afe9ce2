/**
 * Everything a region knows from its events, and how one more event changes it.
 *
 * Pure and deterministic: the same parcels with the same arrival times give the same state, so the region's log can be
 * played again after a restart. Within one arrival the order of events does not matter.
 */
import { ActiveUsers } from "./active-users.ts";
import type { Context } from "./context.ts";
import type { DemandEvent } from "./event.ts";
import type { BookingHistory } from "./history.ts";
import { bookingHistory, type EarlierBookings, QuarterHours } from "./quarter-hours.ts";
import { Readings } from "./readings.ts";
import { Repeats } from "./repeats.ts";
import type { LiveSignals } from "./signals.ts";
import type { Totals } from "./totals.ts";
import { type EpochMs, MINUTE_MS } from "./units.ts";
import { forgetBefore, type LatenessRules, lateBefore, watermarkFrom } from "./watermark.ts";
import { WindowCounts } from "./window.ts";

const NEVER = Number.NEGATIVE_INFINITY as EpochMs;

/** The parts of a state, as a checkpoint keeps them. */
export interface RegionParts {
  /** Event clock when the region heard its first events; null before that. */
  beganAt: EpochMs | null;
  watermarkAt: EpochMs;
  /** Of the newest event, or of its arrival when its sender's clock was ahead of that. */
  newestEventAt: EpochMs;
  lastBookingAt: EpochMs;
  totals: Totals;
  windows: WindowCounts;
  users: ActiveUsers;
  repeats: Repeats;
  quarterHours: QuarterHours;
  earlier: EarlierBookings | null;
  readings: Readings;
}

/** A region that has heard nothing. `reachMs` is how far back its windows are known (`reachMsOf`). */
export function emptyRegion(reachMs?: number): RegionParts {
  return {
    beganAt: null,
    watermarkAt: NEVER,
    newestEventAt: NEVER,
    lastBookingAt: NEVER,
    totals: { search: 0, view: 0, booking: 0, cancellation: 0, late: 0, duplicates: 0 },
    windows: new WindowCounts(reachMs),
    users: new ActiveUsers(reachMs),
    repeats: new Repeats(),
    quarterHours: new QuarterHours(),
    earlier: null,
    readings: new Readings(),
  };
}

/** What became of an event. */
export type Verdict = "counted" | "repeated" | "late";

export class RegionState {
  readonly parts: RegionParts;
  private readonly rules: LatenessRules;

  constructor(parts: RegionParts, rules: LatenessRules) {
    this.parts = parts;
    this.rules = rules;
  }

  /**
   * Takes in events that arrive together at `arrivedAt` (event clock) after the door received them at `receivedAt`. They
   * are judged by the watermark they find; then they move it. `onEvent` learns what became of each.
   */
  arrive(
    events: Iterable<DemandEvent>,
    receivedAt: EpochMs,
    arrivedAt: EpochMs,
    onEvent: (event: DemandEvent, verdict: Verdict) => void = () => undefined,
  ): void {
    const { parts, rules } = this;
    parts.beganAt ??= arrivedAt;
    const watermarkAt = this.watermarkAt(arrivedAt);
    const tooLateBefore = lateBefore(watermarkAt, receivedAt, rules);
    const forgetBeforeAt = forgetBefore(watermarkAt, rules);
    let newestAt = parts.newestEventAt as number;
    for (const event of events) {
      const { occurredAt } = event;
      if (occurredAt < tooLateBefore) {
        parts.totals.late++;
        onEvent(event, "late");
        continue;
      }
      const seenAt = Math.max(occurredAt, watermarkAt);
      if (!parts.repeats.isFirst(event.keyHigh, event.keyLow, seenAt, forgetBeforeAt)) {
        parts.totals.duplicates++;
        onEvent(event, "repeated");
        continue;
      }
      if (occurredAt > newestAt) newestAt = occurredAt;
      this.count(event, arrivedAt, forgetBeforeAt);
      onEvent(event, "counted");
    }
    parts.newestEventAt = Math.max(parts.newestEventAt, Math.min(newestAt, arrivedAt)) as EpochMs;
    parts.watermarkAt = this.watermarkAt(arrivedAt);
  }

  /** The watermark at `now`: in a quiet region it moves with the event clock. */
  watermarkAt(now: EpochMs): EpochMs {
    const { watermarkAt, newestEventAt } = this.parts;
    return watermarkFrom(watermarkAt, newestEventAt, now, this.rules);
  }

  /** The oldest instant whose keys are still remembered at `now`. */
  forgetBeforeAt(now: EpochMs): EpochMs {
    return forgetBefore(this.watermarkAt(now), this.rules);
  }

  signalsAt(asOf: EpochMs): LiveSignals {
    const { windows, users, lastBookingAt } = this.parts;
    return {
      asOf,
      bookingCount1m: windows.sliding("booking", asOf, MINUTE_MS),
      bookingCount5m: windows.sliding("booking", asOf, 5 * MINUTE_MS),
      bookingCount15m: windows.sliding("booking", asOf, 15 * MINUTE_MS),
      searchCount5m: windows.sliding("search", asOf, 5 * MINUTE_MS),
      searchCount15m: windows.sliding("search", asOf, 15 * MINUTE_MS),
      cancellationCount15m: windows.sliding("cancellation", asOf, 15 * MINUTE_MS),
      activeSessions30m: users.countAt(asOf),
      lastBookingAt: lastBookingAt === NEVER ? null : lastBookingAt,
    };
  }

  contextAt(asOf: EpochMs, timeZone: string): Context {
    return this.parts.readings.contextAt(asOf, timeZone);
  }

  historyAt(asOf: EpochMs): BookingHistory {
    const { quarterHours, earlier, beganAt } = this.parts;
    return bookingHistory(quarterHours, earlier, beganAt ?? asOf, asOf);
  }

  /** Replaces what is known of the time before the first event. */
  setEarlierBookings(earlier: EarlierBookings): void {
    this.parts.earlier = earlier;
  }

  private count(event: DemandEvent, arrivedAt: EpochMs, forgetBeforeAt: EpochMs): void {
    const { parts } = this;
    const { eventType, occurredAt } = event;
    switch (eventType) {
      case "booking":
        parts.quarterHours.add(occurredAt);
        if (occurredAt > parts.lastBookingAt) parts.lastBookingAt = occurredAt;
        break;
      case "search":
      case "view":
      case "cancellation":
        break;
      case "supply_update":
      case "driver_location":
      case "weather":
      case "traffic":
      case "local_event":
      case "holiday":
      case "stock_level":
      case "price_change":
        parts.readings.observe(event, arrivedAt);
        return;
      case "sale":
        return;
      default:
        eventType satisfies never;
        return;
    }
    parts.totals[eventType]++;
    parts.windows.add(eventType, occurredAt);
    if (event.userHigh !== 0 || event.userLow !== 0) {
      parts.users.see(event.userHigh, event.userLow, occurredAt, forgetBeforeAt);
    }
  }
}
