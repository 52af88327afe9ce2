/**
 * Features: everything the forecast may know, computed by one function.
 *
 * The region's Durable Object calls it when a price is due and the origin calls it for every row it trains on, so
 * training and serving cannot drift apart. All of it can be had inside the object: 29 days of the region's own quarter
 * hours, its live windows, its latest outside readings and the calendar.
 *
 * Counts enter as log(1 + x): the trees then split on ratios, and the busiest zone does not drown the quiet ones.
 */
import { localTimeOf, seasonOf, weeksBefore } from "./calendar.ts";
import { type Context, valueAt, weatherSeverity } from "./context.ts";
import type { BookingHistory } from "./history.ts";
import { cancelRateOf, type LiveSignals, utilizationOf } from "./signals.ts";
import { DAY_MS, type EpochMs, HOUR_MS, plus, QUARTER_HOUR_MS, WEEK_MS } from "./units.ts";

/** Changes whenever a name, its order or its meaning does; a model only runs on the version it was trained on. */
export const FEATURE_SET_VERSION = "fs1";

/** The forecast's horizons: the quarter hours that end this long after `asOf`. */
export const HORIZONS_MS = [1, 2, 3, 4].map((quarters) => quarters * QUARTER_HOUR_MS);

const RECENT_MS = {
  h1: HOUR_MS,
  h2: 2 * HOUR_MS,
  h6: 6 * HOUR_MS,
  d1: DAY_MS,
  d7: WEEK_MS,
} as const;

export const FEATURE_NAMES = [
  ...["bookingLag1", "bookingLag2", "bookingLag3", "bookingLag4"],
  ...["bookingRate1h", "bookingRate2h", "bookingRate6h", "bookingRate1d", "rollingAvgDemand7d"],
  ...["usualNow", "usualIn15m", "usualIn30m", "usualIn45m", "usualIn60m"],
  ...["sameSlotLag1w15m", "sameSlotLag1w60m"],
  ...["recentOverUsual15m", "recentOverUsual1h", "recentOverUsual4h", "recentOverUsual1d"],
  ...["demandTrend", "seasonalityScore"],
  ...["daySin1", "dayCos1", "daySin2", "dayCos2", "hourOfDay", "dayOfWeek", "season", "holiday"],
  ...["temperatureF", "precipitationIn", "weatherSeverity", "trafficIndex", "localEventScore"],
  ...["availableDrivers", "utilization", "searchCount15m", "cancelRate15m"],
] as const;

export interface FeatureInputs {
  timeZone: string;
  history: BookingHistory;
  signals: LiveSignals;
  /** Since when the live windows have heard all there was; before that, the history stands in for them. */
  liveSince: EpochMs;
  context: Context;
}

export interface Features {
  /** One value per name, in the order of FEATURE_NAMES; NaN where the input is missing. */
  values: Float32Array;
  /** Bookings that are usual in each quarter hour of HORIZONS_MS; null where no earlier week is known. */
  usual: (number | null)[];
}

/** The features of one region at `signals.asOf`. Costs about a hundred lookups, however long the history. */
export function featuresFrom(inputs: FeatureInputs): Features {
  const { timeZone, history, signals, liveSince, context } = inputs;
  const { asOf } = signals;
  const lag1 =
    signals.bookingCount15m +
    history.between(asOf - QUARTER_HOUR_MS, Math.max(liveSince, asOf - QUARTER_HOUR_MS));
  // The last 15 minutes come from the live windows, exact to seconds; what lies before from the quarter hours.
  const recent = (spanMs: number) =>
    history.covers(asOf - spanMs, asOf - QUARTER_HOUR_MS)
      ? lag1 + history.between(asOf - spanMs, asOf - QUARTER_HOUR_MS)
      : Number.NaN;
  const lag = (quarters: number) =>
    recent((quarters + 1) * QUARTER_HOUR_MS) - recent(quarters * QUARTER_HOUR_MS);
  const usualIn = (aheadMs: number) => usualQuarterHour(history, plus(asOf, aheadMs), timeZone);
  const overUsual = (spanMs: number) => {
    const actual = spanMs === QUARTER_HOUR_MS ? lag1 : recent(spanMs);
    return Math.log((actual + 1) / (meanOfEarlierWeeks(history, asOf, spanMs, timeZone) + 1));
  };

  const usual = HORIZONS_MS.map(usualIn);
  const day = recent(RECENT_MS.d1);
  const week = recent(RECENT_MS.d7);
  const hour = recent(RECENT_MS.h1);
  const usualHour = usual.reduce((sum, value) => sum + value, 0);
  const local = localTimeOf(asOf, timeZone);
  const angle = (2 * Math.PI * local.minuteOfDay) / (24 * 60);
  const weather = valueAt(context.weather, asOf);
  const supply = valueAt(context.supply, asOf);

  const values = Float32Array.of(
    Math.log1p(lag1),
    Math.log1p(lag(1)),
    Math.log1p(lag(2)),
    Math.log1p(lag(3)),
    rate(hour, RECENT_MS.h1),
    rate(recent(RECENT_MS.h2), RECENT_MS.h2),
    rate(recent(RECENT_MS.h6), RECENT_MS.h6),
    rate(day, RECENT_MS.d1),
    rate(week, RECENT_MS.d7),
    Math.log1p(usualIn(0)),
    ...usual.map(Math.log1p),
    Math.log1p(sameSlotLastWeek(history, asOf, QUARTER_HOUR_MS, timeZone)),
    Math.log1p(sameSlotLastWeek(history, asOf, HOUR_MS, timeZone)),
    overUsual(QUARTER_HOUR_MS),
    overUsual(HOUR_MS),
    overUsual(4 * HOUR_MS),
    overUsual(DAY_MS),
    Math.log((day * 7 + 1) / (week + 1)),
    Math.log((usualHour * (WEEK_MS / HOUR_MS) + 1) / (week + 1)),
    Math.sin(angle),
    Math.cos(angle),
    Math.sin(2 * angle),
    Math.cos(2 * angle),
    local.hour,
    local.dayOfWeek,
    seasonOf(local.month),
    valueAt(context.holiday, asOf) === null ? 0 : 1,
    weather?.tempF ?? Number.NaN,
    weather?.precipIn ?? Number.NaN,
    weather ? weatherSeverity(weather) : Number.NaN,
    valueAt(context.traffic, asOf) ?? Number.NaN,
    valueAt(context.localEvent, asOf) ?? 0,
    supply?.available ?? Number.NaN,
    supply ? utilizationOf(supply) : Number.NaN,
    signals.searchCount15m,
    cancelRateOf(signals),
  );
  return { values, usual: usual.map((value) => (Number.isNaN(value) ? null : value)) };
}

/** log(1 + bookings per quarter hour) over a span. */
function rate(bookings: number, spanMs: number): number {
  return Math.log1p((bookings * QUARTER_HOUR_MS) / spanMs);
}

const KERNEL = [1, 2, 3, 2, 1] as const;
const KERNEL_SUM = KERNEL.reduce<number>((sum, weight) => sum + weight, 0);
const MAX_WEEKS = 4;

/**
 * The seasonal expectation: bookings in the quarter hour that ends at `endAt`, averaged over up to four earlier weeks,
 * each smoothed over the five quarter hours around it. The same time of the week is the same by the clock on the wall, also
 * where daylight saving began or ended between. NaN when no earlier week is known.
 */
export function usualQuarterHour(
  history: BookingHistory,
  endAt: EpochMs,
  timeZone: string,
): number {
  let sum = 0;
  let weeks = 0;
  for (let week = 1; week <= MAX_WEEKS; week++) {
    const center = weeksBefore(plus(endAt, -QUARTER_HOUR_MS), week, timeZone) + QUARTER_HOUR_MS;
    if (!history.covers(center - 3 * QUARTER_HOUR_MS, center + 2 * QUARTER_HOUR_MS)) continue;
    weeks++;
    for (const [offset, weight] of KERNEL.entries()) {
      const slotEndAt = center + (offset - 2) * QUARTER_HOUR_MS;
      sum += weight * history.between(slotEndAt - QUARTER_HOUR_MS, slotEndAt);
    }
  }
  return weeks === 0 ? Number.NaN : sum / (weeks * KERNEL_SUM);
}

/** Bookings in the `spanMs` before the same time of the week, averaged over up to four earlier weeks; NaN when none is known. */
function meanOfEarlierWeeks(
  history: BookingHistory,
  asOf: EpochMs,
  spanMs: number,
  timeZone: string,
): number {
  let sum = 0;
  let weeks = 0;
  for (let week = 1; week <= MAX_WEEKS; week++) {
    const toAt = weeksBefore(asOf, week, timeZone);
    if (!history.covers(toAt - spanMs, toAt)) continue;
    weeks++;
    sum += history.between(toAt - spanMs, toAt);
  }
  return weeks === 0 ? Number.NaN : sum / weeks;
}

/** Bookings a week ago in the stretch of `spanMs` that begins where `asOf` stands now; NaN when unknown. */
function sameSlotLastWeek(
  history: BookingHistory,
  asOf: EpochMs,
  spanMs: number,
  timeZone: string,
): number {
  const fromAt = weeksBefore(asOf, 1, timeZone);
  return history.covers(fromAt, fromAt + spanMs)
    ? history.between(fromAt, fromAt + spanMs)
    : Number.NaN;
}
