import { DAY_MS, type EpochMs, HOUR_MS, MINUTE_MS, plus, WEEK_MS } from "./units.ts";

/** What the clock on the wall of a region reads. */
export interface LocalTime {
  /** 0 to 23. */
  hour: number;
  /** 0 to 1439. */
  minuteOfDay: number;
  /** 0 is Monday, 6 is Sunday (ISO 8601 order). */
  dayOfWeek: number;
  /** 1 is January. */
  month: number;
  /** `2014-05-19`. */
  date: string;
}

/** 0 winter, 1 spring, 2 summer, 3 autumn: meteorological seasons of the northern hemisphere. */
export function seasonOf(month: number): number {
  return Math.floor((month % 12) / 3);
}

/**
 * Local time of an instant in an IANA time zone.
 *
 * Offsets come from Intl, so daylight saving is right wherever ICU is.
 */
export function localTimeOf(at: EpochMs, timeZone: string): LocalTime {
  const local = new Date(at + offsetMsAt(at, timeZone));
  return {
    hour: local.getUTCHours(),
    minuteOfDay: local.getUTCHours() * 60 + local.getUTCMinutes(),
    dayOfWeek: (local.getUTCDay() + 6) % 7,
    month: local.getUTCMonth() + 1,
    date: local.toISOString().slice(0, 10),
  };
}

/** The hour that the clock on the wall shows, 0 to 23. */
export function localHourOf(at: EpochMs, timeZone: string): number {
  const local = at + offsetMsAt(at, timeZone);
  return Math.floor((local - Math.floor(local / DAY_MS) * DAY_MS) / HOUR_MS);
}

/** The day of the week there, 1 (Monday) to 7. */
export function localWeekdayOf(at: EpochMs, timeZone: string): number {
  // The first day of the epoch was a Thursday.
  const days = Math.floor((at + offsetMsAt(at, timeZone)) / DAY_MS) + 3;
  return days - Math.floor(days / 7) * 7 + 1;
}

/**
 * One lookup at Intl costs tens of microseconds, so offsets are kept: per zone and UTC day where it is the same at both ends of
 * the day, and per quarter hour on the few days on which it changes. No zone has ever changed its offset off a quarter hour, or
 * there and back within a day.
 */
interface ZoneOffsets {
  /** NaN for a day on which the offset changes. */
  byDay: Map<number, number>;
  bySlot: Map<number, number>;
}

const OFFSET_SLOT_MS = 15 * MINUTE_MS;
const MAX_KEPT_DAYS = 4_096;
const formats = new Map<string, Intl.DateTimeFormat>();
const offsets = new Map<string, ZoneOffsets>();

/** Milliseconds to add to UTC to read the zone's wall clock. Throws RangeError on an unknown zone. */
export function offsetMsAt(at: EpochMs, timeZone: string): number {
  let zone = offsets.get(timeZone);
  if (!zone) {
    zone = { byDay: new Map(), bySlot: new Map() };
    offsets.set(timeZone, zone);
  }
  const day = Math.floor(at / DAY_MS);
  const kept = zone.byDay.get(day) ?? offsetOfDay(zone, day, timeZone);
  return Number.isNaN(kept) ? offsetOfSlot(zone, Math.floor(at / OFFSET_SLOT_MS), timeZone) : kept;
}

function offsetOfDay(zone: ZoneOffsets, day: number, timeZone: string): number {
  const first = offsetFromIntl(day * DAY_MS, timeZone);
  const next = offsetFromIntl((day + 1) * DAY_MS, timeZone);
  const offsetMs = first === next ? first : Number.NaN;
  if (zone.byDay.size >= MAX_KEPT_DAYS) zone.byDay.clear();
  zone.byDay.set(day, offsetMs);
  return offsetMs;
}

function offsetOfSlot({ bySlot }: ZoneOffsets, slot: number, timeZone: string): number {
  const known = bySlot.get(slot);
  if (known !== undefined) return known;
  const offsetMs = offsetFromIntl(slot * OFFSET_SLOT_MS, timeZone);
  if (bySlot.size >= MAX_KEPT_DAYS) bySlot.clear();
  bySlot.set(slot, offsetMs);
  return offsetMs;
}

/**
 * The instant `weeks` weeks before `at` at which the clock on the wall showed the same. A time that was skipped there is taken an
 * hour later, as clocks then were; of one that came twice the one with the offset of the plain difference counts.
 */
export function weeksBefore(at: EpochMs, weeks: number, timeZone: string): EpochMs {
  const plain = plus(at, -weeks * WEEK_MS);
  return plus(plain, offsetMsAt(at, timeZone) - offsetMsAt(plain, timeZone));
}

function offsetFromIntl(at: number, timeZone: string): number {
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    formats.set(timeZone, format);
  }
  const field = Object.fromEntries(
    format.formatToParts(at).map(({ type, value }) => [type, Number(value)]),
  );
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = field;
  return Date.UTC(year, month - 1, day, hour, minute, second) - at;
}

/** The instant local midnight began for the day that holds `at`; on a day that skips midnight, its first instant. */
export function startOfLocalDay(at: EpochMs, timeZone: string): EpochMs {
  const local = at + offsetMsAt(at, timeZone);
  const guess = plus(at, Math.floor(local / DAY_MS) * DAY_MS - local);
  // The day may have begun under another offset than `at` has; an hour of error is all a transition can bring.
  const shift = offsetMsAt(at, timeZone) - offsetMsAt(guess, timeZone);
  const midnight = Math.abs(shift) <= 2 * HOUR_MS ? plus(guess, shift) : guess;
  // Where the clocks go back from one o'clock, midnight comes twice: the day began at the first.
  const repeatedMs = offsetMsAt(plus(midnight, -1), timeZone) - offsetMsAt(midnight, timeZone);
  return repeatedMs > 0 ? plus(midnight, -repeatedMs) : midnight;
}
