/**
 * What a region was like at any instant of recorded days, as inputs of prices.
 *
 * The offline store knows bookings per quarter hour and the weather. Between quarter hours counts are taken in proportion and scores on
 * the straight line. What nobody recorded (searches, traffic, local events, stock) is missing, as it would be for a price then.
 */
import { localHourOf, localWeekdayOf } from "../../../domain/calendar.ts";
import { valueAt, weatherSeverity } from "../../../domain/context.ts";
import { usualQuarterHour } from "../../../domain/features.ts";
import { NOTHING_KNOWN, type PriceInputs } from "../../../domain/price-inputs.ts";
import { type EpochMs, HOUR_MS, plus, QUARTER_HOUR_MS } from "../../../domain/units.ts";
import type { RegionHistory } from "../../training/demand-history.ts";

/** Bookings expected in the hour after each quarter hour; NaN where that is not known. */
export type ExpectedHours = (quarter: number, asOf: EpochMs) => number;

export interface SeriesOptions {
  fromAt: EpochMs;
  untilAt: EpochMs;
  /** Free and busy drivers for each booking that is usual; null: supply is not known. */
  fleetPerUsualBooking: number | null;
}

/** Two cruise even where nobody calls. */
const SMALLEST_FLEET = 2;

export class RegionSeries {
  private readonly region: RegionHistory;
  private readonly options: SeriesOptions;
  /** By quarter hour from `fromAt`: what is usual in the quarter hour that begins there. */
  private readonly usual: Float64Array;
  private readonly scores: Float64Array;
  private readonly severityByHour = new Map<number, number | null>();

  /** @param expected null: what was booked in the hour that came, as a forecast that is always right would say */
  constructor(region: RegionHistory, options: SeriesOptions, expected: ExpectedHours | null) {
    const { fromAt, untilAt } = options;
    const { bookings, timeZone } = region;
    this.region = region;
    this.options = options;
    // An hour and a quarter more than is priced: the score looks an hour ahead, and on to its neighbour.
    const quarters = Math.ceil((untilAt - fromAt) / QUARTER_HOUR_MS) + 1;
    this.usual = Float64Array.from({ length: quarters + 4 }, (_, quarter) =>
      usualQuarterHour(bookings, plus(fromAt, (quarter + 1) * QUARTER_HOUR_MS), timeZone),
    );
    const booked = (_: number, asOf: EpochMs) =>
      bookings.covers(asOf, asOf + HOUR_MS) ? bookings.between(asOf, asOf + HOUR_MS) : Number.NaN;
    const expectedAt = expected ?? booked;
    this.scores = Float64Array.from({ length: quarters }, (_, quarter) => {
      const asOf = plus(fromAt, quarter * QUARTER_HOUR_MS);
      const [a = 0, b = 0, c = 0, d = 0] = this.usual.subarray(quarter, quarter + 4);
      return scoreOf(expectedAt(quarter, asOf), a + b + c + d);
    });
  }

  inputsAt(asOf: EpochMs): PriceInputs {
    const { bookings, timeZone } = this.region;
    const position = (asOf - this.options.fromAt) / QUARTER_HOUR_MS;
    const quarter = Math.floor(position);
    const score = this.scores[quarter] ?? Number.NaN;
    const next = this.scores[quarter + 1] ?? Number.NaN;
    const demandScore = Number.isNaN(next) ? score : score + (next - score) * (position - quarter);
    const busy = bookings.between(asOf - QUARTER_HOUR_MS, asOf);
    const available = this.availableAt(quarter, busy);
    return {
      ...NOTHING_KNOWN,
      demandScore: Number.isNaN(demandScore) ? null : demandScore,
      recentDemand: busy,
      availableSupply: available,
      utilization: available === null ? null : busy / Math.max(1, available + busy),
      localHour: localHourOf(asOf, timeZone),
      dayOfWeek: localWeekdayOf(asOf, timeZone),
      weatherSeverity: this.severityAt(asOf),
      eventScore: null,
      holiday: 0,
    };
  }

  /** Bookings of a stretch, in proportion where it cuts a quarter hour. */
  bookingsBetween(fromAt: EpochMs, toAt: EpochMs): number {
    return this.region.bookings.between(fromAt, toAt);
  }

  private availableAt(quarter: number, busy: number): number | null {
    const { fleetPerUsualBooking } = this.options;
    const usual = this.usual[quarter] ?? Number.NaN;
    if (fleetPerUsualBooking === null || Number.isNaN(usual)) return null;
    return Math.max(0, Math.max(SMALLEST_FLEET, fleetPerUsualBooking * usual) - busy);
  }

  private severityAt(asOf: EpochMs): number | null {
    const hour = Math.floor(asOf / HOUR_MS);
    let severity = this.severityByHour.get(hour);
    if (severity === undefined) {
      const weather = valueAt(this.region.contextAt(asOf).weather, asOf);
      severity = weather ? weatherSeverity(weather) : null;
      this.severityByHour.set(hour, severity);
    }
    return severity;
  }
}

/** As `demandScoreOf` has it; NaN where one of the two is. */
function scoreOf(expected: number, usual: number): number {
  return expected + usual === 0 ? 0.5 : expected / (expected + usual);
}
